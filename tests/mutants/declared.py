"""Every mutant, by the part of the project that it is in."""

from .authority import AUTHORITY
from .execution import EXECUTION
from .gate import GATE
from .mutant import Mutant
from .reach import REACH
from .record import RECORD
from .verdicts import VERDICTS

MUTANTS: tuple[Mutant, ...] = (*GATE, *AUTHORITY, *EXECUTION, *REACH, *RECORD, *VERDICTS)
