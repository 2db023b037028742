"""Kinds of faults, a file a family: a file that is here is found and needs no other line anywhere."""

from importlib import import_module
from pkgutil import iter_modules

for _family in sorted(x.name for x in iter_modules(__path__)):
    import_module(f"{__name__}.{_family}")
