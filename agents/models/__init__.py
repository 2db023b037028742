"""Model clients, named `provider:model`."""
