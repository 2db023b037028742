"""The network being mirrored: the protocol of every adapter, and the embedded one."""
