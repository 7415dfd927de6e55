//! The real binary, killed at every system call.
