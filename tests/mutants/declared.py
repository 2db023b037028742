"""Every mutant, by the part of the project that it is in."""

from .authority import AUTHORITY
from .gate import GATE
from .mutant import Mutant
from .reach import REACH

MUTANTS: tuple[Mutant, ...] = (*GATE, *AUTHORITY, *REACH)
