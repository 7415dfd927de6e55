//! What leaves the program as text: rows for spreadsheets and machines, words for terminals and logs.

pub mod cell;
