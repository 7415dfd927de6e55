//! What becomes of an answer on the wire.

use super::answer::Answer;
use super::bomb;
use super::wire::Connection;

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is sent.
    Whole,
    /// Its body is sent by half.
    Half,
    /// Nothing is sent, and the connection closes.
    Lost,
    /// Nothing is sent, and the connection stays.
    Never,
    /// It is sent byte by byte.
    Drip,
    /// It is sent with status 200 and a compressed body that unfolds to a gigabyte.
    Bomb,
}

/// An answer and its ending.
pub(crate) type Reply = (Answer, Ending);

impl Ending {
    /// Makes the answer end so: what is to be sent. `drip_ms` lies between two dripped bytes.
    pub(crate) fn bring(self, answer: Answer, connection: &Connection, drip_ms: u64) -> Answer {
        match self {
            Self::Whole => answer,
            Self::Half => {
                connection.cut_body_after(answer.body_length() / 2);
                answer
            }
            Self::Lost | Self::Never => {
                connection.cut_before_answer();
                answer
            }
            Self::Drip => {
                connection.drip(drip_ms, answer.body_length() == 0);
                // What comes over this connection after that would drip, too.
                answer.with_header("connection", "close".to_owned())
            }
            Self::Bomb => bomb::packed(&answer),
        }
    }

    /// Whether the other side learns the answer's status.
    pub(crate) fn is_told(self) -> bool {
        !matches!(self, Self::Lost | Self::Never)
    }
}
