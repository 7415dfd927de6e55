//! Randomness comes in through here, so that a seeded simulation gives the same journal twice.

use sha2::{Digest, Sha256};

/// A source of random bytes for salts, secrets, keys and jitter.
pub trait Entropy: Send {
    /// 32 fresh bytes.
    fn bytes(&mut self) -> Result<[u8; 32], EntropyError>;
}

/// The operating system gave no random bytes. Nothing may be written without them.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct EntropyError(String);

impl EntropyError {
    /// Why there are none, in words.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bytes(&mut self) -> Result<[u8; 32], EntropyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| EntropyError(error.to_string()))?;
        Ok(bytes)
    }
}

/// Bytes that follow from a seed. For tests and simulations only: who knows the seed knows every salt.
#[derive(Debug, Clone)]
pub struct SeededEntropy {
    seed: u64,
    counter: u64,
}

impl SeededEntropy {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }
}

impl Entropy for SeededEntropy {
    fn bytes(&mut self) -> Result<[u8; 32], EntropyError> {
        self.counter += 1;
        let mut hasher = Sha256::new();
        hasher.update(self.seed.to_be_bytes());
        hasher.update(self.counter.to_be_bytes());
        Ok(hasher.finalize().into())
    }
}
