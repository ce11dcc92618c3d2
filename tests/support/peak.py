"""The most memory that a process ever had, for programs that tests start."""

__all__ = ["PRINT_PEAK"]


PRINT_PEAK = """
import resource
try:
    with open("/proc/self/status") as status:
        print(next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM")))
except FileNotFoundError:  # where there is no such file, as on macOS, this is in bytes
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""The end of a program: it prints the figure, in bytes.

On Linux ``ru_maxrss`` begins with what the process had that started it, such as one that has run a
thousand tests.
"""
