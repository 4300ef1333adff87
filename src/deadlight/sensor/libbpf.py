"""A small binding of libbpf 1.x through ctypes: open an object, load chosen programs, attach them, read maps.

Nothing is compiled on the node. A `Library`, an `Object` and a `Map` wrap the C pointers; their lifetimes follow
libbpf's: maps and programs belong to their object, and closing the object detaches and unloads everything.
"""

import ctypes
import mmap
import os
from collections.abc import Collection, Iterator, Mapping
from ctypes import POINTER, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deadlight.sensor.errors import SensorError

SONAME = "libbpf.so.1"
PATH_VARIABLE = "LIBBPF"
VERIFIER_LOG_BYTES = 16 * 1024 * 1024
"""Kernels before 6.4 refuse to say anything when there is too little room. Only what is written takes memory."""

_PER_CPU_ARRAY = 6
"""BPF_MAP_TYPE_PERCPU_ARRAY of linux/bpf.h, the one per-CPU type the object uses."""

_STATISTICS = ("processed ", "verification time ", "stack depth ")

_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "libbpf_version_string": (c_char_p, []),
    "libbpf_set_print": (c_void_p, [c_void_p]),
    "libbpf_num_possible_cpus": (c_int, []),
    "bpf_object__open_mem": (c_void_p, [c_void_p, c_size_t, c_void_p]),
    "bpf_object__load": (c_int, [c_void_p]),
    "bpf_object__close": (None, [c_void_p]),
    "bpf_object__next_program": (c_void_p, [c_void_p, c_void_p]),
    "bpf_object__next_map": (c_void_p, [c_void_p, c_void_p]),
    "bpf_program__name": (c_char_p, [c_void_p]),
    "bpf_program__fd": (c_int, [c_void_p]),
    "bpf_program__set_autoload": (c_int, [c_void_p, c_bool]),
    "bpf_program__set_log_buf": (c_int, [c_void_p, c_void_p, c_size_t]),
    "bpf_program__attach": (c_void_p, [c_void_p]),
    "bpf_link__destroy": (c_int, [c_void_p]),
    "bpf_map__name": (c_char_p, [c_void_p]),
    "bpf_map__fd": (c_int, [c_void_p]),
    "bpf_map__type": (c_int, [c_void_p]),
    "bpf_map__key_size": (c_uint32, [c_void_p]),
    "bpf_map__value_size": (c_uint32, [c_void_p]),
    "bpf_map__max_entries": (c_uint32, [c_void_p]),
    "bpf_map__set_max_entries": (c_int, [c_void_p, c_uint32]),
    "bpf_map__initial_value": (c_void_p, [c_void_p, POINTER(c_size_t)]),
    "bpf_map_lookup_elem": (c_int, [c_int, c_void_p, c_void_p]),
    "bpf_map_update_elem": (c_int, [c_int, c_void_p, c_void_p, c_uint64]),
    "bpf_map_delete_elem": (c_int, [c_int, c_void_p]),
    "bpf_map_get_next_key": (c_int, [c_int, c_void_p, c_void_p]),
}


class LibbpfError(SensorError):
    """libbpf or the kernel refused; `errno` says how."""

    def __init__(self, doing: str, errno: int, detail: str = "") -> None:
        super().__init__(f"{doing}: {os.strerror(errno)}" + (f" ({detail})" if detail else ""))
        self.errno = errno


class ObjectMismatchError(SensorError):
    """The object is not the one that this version of the sensor was made for."""


class LibraryMissingError(SensorError):
    """libbpf cannot be found or lacks a function."""


class Library:
    """libbpf's functions as attributes, each with its C signature. Silent: reasons come back as errors."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Load `$LIBBPF`, else `libbpf.so.1`.

        Raises:
            LibraryMissingError: naming the file and the package to install.
        """
        path = environment.get(PATH_VARIABLE) or SONAME
        try:
            self._library = ctypes.CDLL(path, use_errno=True)
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(self._library, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            advice = f"apt-get install libbpf1, or name the file of libbpf 1.x in {PATH_VARIABLE}"
            raise LibraryMissingError(f"cannot use {path}: {error} ({advice})") from error
        self.libbpf_set_print(None)

    def __getattr__(self, name: str) -> Any:
        if name not in _SIGNATURES:
            raise AttributeError(f"no binding of {name}")
        return getattr(self._library, name)

    @property
    def version(self) -> str:
        """As libbpf prints it, for example `v1.1`."""
        return str(self.libbpf_version_string().decode())


class Map:
    """A map of a loaded object. Keys and values are bytes in the layout of the C side."""

    def __init__(self, library: Library, pointer: int) -> None:
        self._library = library
        self.pointer = pointer
        self.name = library.bpf_map__name(pointer).decode()
        self._key_size = library.bpf_map__key_size(pointer)
        self._value_size = library.bpf_map__value_size(pointer)
        if library.bpf_map__type(pointer) == _PER_CPU_ARRAY:
            # The kernel aligns each CPU's copy to eight bytes.
            self._value_size = (self._value_size + 7) // 8 * 8 * library.libbpf_num_possible_cpus()

    @property
    def descriptor(self) -> int:
        """The file descriptor, valid while the object is loaded."""
        return int(self._library.bpf_map__fd(self.pointer))

    @property
    def entries(self) -> int:
        """How many there is room for; of a ring: its bytes."""
        return int(self._library.bpf_map__max_entries(self.pointer))

    def find(self, key: bytes) -> bytes | None:
        """The value of `key` (of a per-CPU map: of all CPUs, one after the other), or None."""
        value = ctypes.create_string_buffer(self._value_size)
        return None if self._library.bpf_map_lookup_elem(self.descriptor, key, value) else value.raw

    def update(self, key: bytes, value: bytes) -> None:
        """Set `key` to `value`.

        Raises:
            LibbpfError: the map is full or the kernel is out of memory.
        """
        if self._library.bpf_map_update_elem(self.descriptor, key, value, 0):
            raise LibbpfError(f"cannot write to the map {self.name}", ctypes.get_errno())

    def remove(self, key: bytes) -> None:
        """Remove the entry of `key`, if there is one."""
        self._library.bpf_map_delete_elem(self.descriptor, key)

    def iter_keys(self) -> Iterator[bytes]:
        """Every key; one may be removed once the next is known. Keys added meanwhile cannot keep this going forever."""
        descriptor, key, known = self.descriptor, ctypes.create_string_buffer(self._key_size), None
        for _ in range(self.entries):
            if self._library.bpf_map_get_next_key(descriptor, known, key):
                return
            known = key.raw
            yield known

    def clear(self) -> None:
        """Remove every entry. Those added meanwhile may stay."""
        # After a key that is gone, the kernel would search from the beginning again, so all are listed first.
        for key in tuple(self.iter_keys()):
            self.remove(key)


class Object:
    """A compiled BPF object. Use it as a context manager: leaving the block detaches and unloads all of it."""

    def __init__(self, library: Library, content: bytes) -> None:
        """Read the ELF file in `content` without touching the kernel.

        Raises:
            LibbpfError: it is no BPF object.
        """
        self._library = library
        # Until it is loaded, libbpf keeps pointing into it.
        self._content: ctypes.Array[ctypes.c_char] | None = ctypes.create_string_buffer(content, len(content))
        self._links: list[int] = []
        self._log = mmap.mmap(-1, VERIFIER_LOG_BYTES)
        self._pointer = library.bpf_object__open_mem(ctypes.addressof(self._content), len(content), None)
        if not self._pointer:
            raise LibbpfError("not a BPF object", ctypes.get_errno())
        self._programs = dict(self._iter_programs())
        self._maps = {found.name: found for found in self._iter_maps()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _iter_programs(self) -> Iterator[tuple[str, int]]:
        pointer = self._library.bpf_object__next_program(self._pointer, None)
        while pointer:
            yield self._library.bpf_program__name(pointer).decode(), pointer
            pointer = self._library.bpf_object__next_program(self._pointer, pointer)

    def _iter_maps(self) -> Iterator[Map]:
        pointer = self._library.bpf_object__next_map(self._pointer, None)
        while pointer:
            yield Map(self._library, pointer)
            pointer = self._library.bpf_object__next_map(self._pointer, pointer)

    def resize(self, map_name: str, entries: int) -> None:
        """Give a map another capacity (of a ring: bytes, a power of two), before loading."""
        self._library.bpf_map__set_max_entries(self.map(map_name).pointer, entries)

    def configure(self, config: bytes) -> None:
        """Fill the constants of the object, before loading.

        Raises:
            ObjectMismatchError: the object's constants have another size.
        """
        constants = next((found for name, found in self._maps.items() if name.endswith(".rodata")), None)
        size = c_size_t()
        place = constants and self._library.bpf_map__initial_value(constants.pointer, ctypes.byref(size))
        if not place or size.value != len(config):
            raise ObjectMismatchError(
                f"the object has {size.value} bytes of constants, not {len(config)} (build it with scripts/build-bpf)"
            )
        ctypes.memmove(place, config, len(config))

    def load(self, programs: Collection[str]) -> None:
        """Create the maps and have the kernel verify `programs`; the others stay out.

        Raises:
            LibbpfError: with the last line of the verifier where it spoke.
            ObjectMismatchError: the object has no program of one of these names.
        """
        if missing := set(programs) - set(self._programs):
            raise ObjectMismatchError(
                f"the object has no {', '.join(sorted(missing))} (build it with scripts/build-bpf)"
            )
        log = ctypes.addressof(ctypes.c_char.from_buffer(self._log))
        for name, pointer in self._programs.items():
            self._library.bpf_program__set_autoload(pointer, name in programs)
            self._library.bpf_program__set_log_buf(pointer, log, VERIFIER_LOG_BYTES)
        result = self._library.bpf_object__load(self._pointer)
        if result:
            raise LibbpfError("the kernel refuses to load the program", -result, self._objection())
        self._content = None  # libbpf let go of it

    def verifier_log(self) -> str:
        """The end of what the verifier wrote about the last program that it was asked to explain."""
        end = self._log.find(b"\0")
        return self._log[max(0, end - 4096) : end].decode("utf-8", "replace")

    def _objection(self) -> str:
        """The verifier's last words on the program that failed, but for its statistics."""
        lines = [line for line in self.verifier_log().splitlines() if line and not line.startswith(_STATISTICS)]
        return lines[-1] if lines else ""

    def attach(self, program: str) -> None:
        """Let a loaded program run at its hook.

        Raises:
            LibbpfError: the hook does not exist or is refused.
        """
        link = self._library.bpf_program__attach(self._programs[program])
        if not link:
            raise LibbpfError("the program cannot be attached", ctypes.get_errno())
        self._links.append(link)

    def descriptor_of(self, program: str) -> int:
        """The file descriptor of a loaded program."""
        return int(self._library.bpf_program__fd(self._programs[program]))

    def missed(self) -> int:
        """How often a program was not run because another of this object had been interrupted on the same processor."""
        found = (self._library.bpf_program__fd(pointer) for pointer in self._programs.values())
        return sum(_missed(descriptor) for descriptor in found if descriptor >= 0)

    def map(self, name: str) -> Map:
        """The map of this name; raises KeyError."""
        return self._maps[name]

    def close(self) -> None:
        """Detach and unload everything; harmless when done already."""
        while self._links:
            self._library.bpf_link__destroy(self._links.pop())
        if self._pointer:
            self._library.bpf_object__close(self._pointer)
            self._pointer = None


def _missed(descriptor: int) -> int:
    """As the kernel tells of a program's descriptor, since 5.12."""
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("recursion_misses:")), 0)
