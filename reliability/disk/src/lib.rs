//! A simulated disk under SQLite.
