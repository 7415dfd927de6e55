//! What a bad network does to one connection.

use std::time::Duration;

/// One way for a connection to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toxic {
    /// Nothing is wrong.
    Clean,
    /// Every piece takes so long.
    Latency(Duration),
    /// So many bytes in ten milliseconds, both ways.
    Bandwidth(usize),
    /// After so many bytes of the requests both sides are cut.
    CutRequest(usize),
    /// After so many bytes of the answers both sides are cut.
    CutAnswer(usize),
    /// Requests arrive, answers never.
    SwallowAnswer,
    /// The end of the connection comes so much later.
    SlowClose(Duration),
    /// It is reset as soon as something was sent.
    Reset,
    /// The client is sent away, and what it had sent is delivered so much later.
    LateRequest(Duration),
    /// Nobody answers the door.
    Refuse,
}

impl Toxic {
    /// The names, in the order of [`Toxic::index`].
    pub const NAMES: [&str; 10] = [
        "clean",
        "latency",
        "bandwidth",
        "cut-request",
        "cut-answer",
        "swallow-answer",
        "slow-close",
        "reset",
        "late-request",
        "refuse",
    ];

    /// Its place in the list of names.
    pub const fn index(self) -> usize {
        match self {
            Self::Clean => 0,
            Self::Latency(_) => 1,
            Self::Bandwidth(_) => 2,
            Self::CutRequest(_) => 3,
            Self::CutAnswer(_) => 4,
            Self::SwallowAnswer => 5,
            Self::SlowClose(_) => 6,
            Self::Reset => 7,
            Self::LateRequest(_) => 8,
            Self::Refuse => 9,
        }
    }

    fn at(index: usize, dice: &mut fastrand::Rng, latest: Duration) -> Self {
        let ms = |dice: &mut fastrand::Rng, range| Duration::from_millis(dice.u64(range));
        match index {
            1 => Self::Latency(ms(dice, 5..80)),
            2 => Self::Bandwidth(dice.usize(50..2000)),
            3 => Self::CutRequest(dice.usize(0..3000)),
            4 => Self::CutAnswer(dice.usize(0..8000)),
            5 => Self::SwallowAnswer,
            6 => Self::SlowClose(ms(dice, 50..500)),
            7 => Self::Reset,
            8 => Self::LateRequest(latest.mul_f64(dice.f64())),
            9 => Self::Refuse,
            _ => Self::Clean,
        }
    }
}

/// Deals toxics by chance, but each once before any comes again, so that a short soak meets all of them.
#[derive(Debug)]
pub struct Dealer {
    dice: fastrand::Rng,
    latest: Duration,
    left: Vec<usize>,
}

impl Dealer {
    /// One that delivers no request later than `latest`.
    pub fn new(seed: u64, latest: Duration) -> Self {
        Self { dice: fastrand::Rng::with_seed(seed), latest, left: Vec::new() }
    }

    /// The next one. Half of all connections are clean, so that work gets done.
    pub fn deal(&mut self) -> Toxic {
        if self.left.is_empty() {
            let toxics = Toxic::NAMES.len() - 1;
            self.left = (1..=toxics).chain(std::iter::repeat_n(0, toxics)).collect();
            self.dice.shuffle(&mut self.left);
        }
        Toxic::at(self.left.pop().unwrap_or_default(), &mut self.dice, self.latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_toxic_comes_before_any_comes_again() {
        let mut dealer = Dealer::new(1, Duration::from_millis(300));
        for round in 1..20 {
            let mut dealt = [0; Toxic::NAMES.len()];
            for _ in 0..18 {
                dealt[dealer.deal().index()] += 1;
            }
            assert_eq!(dealt, [9, 1, 1, 1, 1, 1, 1, 1, 1, 1], "round {round}");
        }
    }
}
