//! The protocol of intent, send, answer, crash and resolve as a model that is searched whole.
