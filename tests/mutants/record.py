"""Faults of what is kept: a run's record, the log under it, and the one door that files are opened by."""

from .mutant import Mutant

_JOURNAL = ("tests/agents/record/test_journal.py",)
_LOGGED = ("tests/twin/test_append_log.py",)
_OPENED = ("tests/twin/test_files.py",)
_RECORD, _LOG, _FILES = "agents/record/records.py", "twin/append_log.py", "twin/files.py"

_CHAIN = (
    Mutant(
        "a record follows anything",
        _RECORD,
        "if record.previous != head or record.seq != number:",
        "if record.seq < 0:",
        _JOURNAL,
    ),
    Mutant(
        "a record may be altered",
        _RECORD,
        'if record.hash != digest(content):\n        raise JournalError(f"{where} was altered',
        'if not record.hash:\n        raise JournalError(f"{where} was altered',
        _JOURNAL,
    ),
    Mutant(
        "a record may be spelt otherwise",
        _RECORD,
        'if line != canonical({**content, "hash": record.hash}):',
        "if not line:",
        _JOURNAL,
    ),
    Mutant("no event is put on disk", "agents/record/journal.py", "durable=event.durable)", "durable=False)", _JOURNAL),
    Mutant(
        "an event is shown before it is written",
        "agents/record/journal.py",
        "            record = self._write(event)\n"
        "        if self._listener is not None:\n            self._listener(record)\n",
        "            if self._listener is not None:\n                self._listener(Record(seq=0, time=self._clock(), "
        'previous=self._head, event=event, hash="0"))\n            record = self._write(event)\n',
        _JOURNAL,
    ),
)

_APPENDED = (
    Mutant("nothing is synced", _LOG, "            if durable:\n                self._sync()\n", "", _LOGGED),
    Mutant(
        "a sync syncs nothing",
        _LOG,
        "            os.fsync(self._file.fileno())\n        except OSError:\n            self._in",
        "            self._file.fileno()\n        except OSError:\n            self._in",
        _LOGGED,
    ),
    Mutant(
        "half a line stays",
        _LOG,
        "            self._file.truncate(self._end)\n            self._file.seek",
        "            self._file.seek",
        _LOGGED,
    ),
    Mutant(
        "what a failed sync lost is forgotten",
        _LOG,
        "            self._in_doubt = True\n",
        "            pass\n",
        _LOGGED,
    ),
    Mutant(
        "a log goes on after half a line",
        _LOG,
        '({error.strerror})"\n            self._file.close()\n',
        '({error.strerror})"\n',
        _LOGGED,
    ),
    Mutant(
        "a short write is a whole one",
        _LOG,
        "        while left:\n            left = left[self._file.write(left) :]\n",
        "        self._file.write(left)\n",
        _LOGGED,
    ),
    Mutant("a line cut off by a crash stays", _LOG, "    if end < size:\n        file.truncate(end)\n", "", _LOGGED),
)

_DOOR = (
    Mutant("pipes and devices are files", _FILES, "if not stat.S_ISREG(mode):", "if stat.S_ISDIR(mode):", _OPENED),
    Mutant(
        "a file is as long as it likes", _FILES, "        if len(content) > most:\n", "        if not most:\n", _OPENED
    ),
    Mutant(
        "the last part of a path may be a link",
        _FILES,
        "descriptor = os.open(name, _READ | os.O_NOFOLLOW, dir_fd=folder)",
        "descriptor = os.open(name, _READ, dir_fd=folder)",
        _OPENED,
    ),
    Mutant(
        "a folder on the way may be a link",
        _FILES,
        "os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)",
        "os.open(part, _FOLDER, dir_fd=folder)",
        _OPENED,
    ),
    Mutant(
        "a path may lead out of its folder",
        _FILES,
        'if ".." in between and below is not None:',
        "if not between and below == path:",
        _OPENED,
    ),
    Mutant(
        "what is written goes through a link",
        _FILES,
        "os.O_CLOEXEC | os.O_NOFOLLOW\n",
        "os.O_CLOEXEC\n",
        (*_OPENED, *_LOGGED),
    ),
    Mutant(
        "TOML is as deep as it likes", _FILES, "    if is_deep(content, MAX_DEPTH):\n", "    if not content:\n", _OPENED
    ),
    Mutant(
        "numbers are as long as they like",
        _FILES,
        "value.bit_length() > _MAX_BITS",
        "value.bit_length() > 99 * _MAX_BITS",
        _OPENED,
    ),
)

RECORD: tuple[Mutant, ...] = (*_CHAIN, *_APPENDED, *_DOOR)
