"""A binary min-heap of integer keys in a flat array that starts with its own size, and a list that does likewise."""

from twin.model import Ints

from .jit import part


@part
def push(heap: Ints, key: int) -> None:
    """Put a key on the heap."""
    heap[0] += 1
    child = heap[0]
    while child > 1 and heap[child >> 1] > key:
        heap[child] = heap[child >> 1]
        child >>= 1
    heap[child] = key


@part
def pop(heap: Ints) -> int:
    """Take the smallest key off the heap, which must not be empty, and return it."""
    smallest, size = heap[1], heap[0] - 1
    last = heap[size + 1]
    heap[0] = size
    parent, child = 1, 2
    while child <= size:
        if child < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= last:
            break
        heap[parent] = heap[child]
        parent, child = child, 2 * child
    heap[parent] = last
    return smallest


@part
def append(items: Ints, value: int) -> None:
    """Put a value at the end of a list."""
    items[0] += 1
    items[items[0]] = value
