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

    /// One by chance. Half of all connections are clean, so that work gets done.
    pub fn draw(dice: &mut fastrand::Rng, latest: Duration) -> Self {
        let ms = |dice: &mut fastrand::Rng, range| Duration::from_millis(dice.u64(range));
        match dice.u8(0..18) {
            0 => Self::Latency(ms(dice, 5..80)),
            1 => Self::Bandwidth(dice.usize(50..2000)),
            2 => Self::CutRequest(dice.usize(0..3000)),
            3 => Self::CutAnswer(dice.usize(0..8000)),
            4 => Self::SwallowAnswer,
            5 => Self::SlowClose(ms(dice, 50..500)),
            6 => Self::Reset,
            7 => Self::LateRequest(latest.mul_f64(dice.f64())),
            8 => Self::Refuse,
            _ => Self::Clean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_toxic_is_drawn_and_has_a_name() {
        let mut dice = fastrand::Rng::with_seed(1);
        let mut drawn = [0; Toxic::NAMES.len()];
        for _ in 0..1000 {
            drawn[Toxic::draw(&mut dice, Duration::from_millis(300)).index()] += 1;
        }
        assert!(drawn.iter().all(|times| *times > 10), "{drawn:?}");
        assert!(drawn[0] > 400, "{drawn:?}");
    }
}
