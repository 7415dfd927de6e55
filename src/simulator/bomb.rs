//! A compressed body that unfolds to a gigabyte of blanks with the right answer behind them. Here
//! it takes a megabyte.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::answer::{Answer, Content};

/// How many blanks are packed once.
const BLANKS: usize = 1 << 20;
/// How often they come.
const TIMES: usize = 1 << 10;

/// Magic number, deflate, no flags, no time, no level, no system (RFC 1952).
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The same answer under 200, behind the blanks, packed.
pub(crate) fn packed(answer: &Answer) -> Answer {
    let end = answer.body().map(|(_, body)| body).unwrap_or_default();
    // Writing into memory does not fail; if it did, nothing would stand there for a client to mistake.
    let body = pack(&end).unwrap_or_default();
    let headers = answer.headers.clone();
    let packed = Answer { status: 200, content: Content::Packed(body), headers };
    packed.with_header("content-encoding", "gzip".to_owned())
}

fn pack(end: &[u8]) -> io::Result<Vec<u8>> {
    let blanks = vec![b' '; BLANKS];
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&blanks)?;
    // Ends at a whole byte and refers to nothing before its own beginning, so it can be repeated.
    encoder.flush()?;
    let block = encoder.get_ref().clone();
    let mut last = DeflateEncoder::new(Vec::new(), Compression::best());
    last.write_all(end)?;
    let mut body = HEAD.to_vec();
    for _ in 0..TIMES {
        body.extend_from_slice(&block);
    }
    body.extend(last.finish()?);
    let sum = sum(&blanks, end);
    body.extend(sum.sum().to_le_bytes());
    body.extend(sum.amount().to_le_bytes());
    Ok(body)
}

fn sum(blanks: &[u8], end: &[u8]) -> Crc {
    let mut once = Crc::new();
    once.update(blanks);
    let mut all = Crc::new();
    for _ in 0..TIMES {
        all.combine(&once);
    }
    all.update(end);
    all
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_small_here_and_unfolds_to_a_gigabyte_with_the_answer_behind() {
        let answer = packed(&Answer::json(207, json!({"data": []})));
        assert_eq!(answer.status, 200);
        let Content::Packed(body) = answer.content else { panic!("it was not packed") };
        assert!(body.len() < 2 << 20, "{}", body.len());
        let mut unpacked = flate2::read::GzDecoder::new(body.as_slice());
        let mut piece = vec![0; 1 << 20];
        for _ in 0..TIMES {
            unpacked.read_exact(&mut piece).unwrap();
            assert!(piece.starts_with(b"   ") && piece.ends_with(b"   "));
        }
        let mut end = String::new();
        // The decoder checks sum and length.
        unpacked.read_to_string(&mut end).unwrap();
        assert_eq!(end, r#"{"data":[]}"#);
    }
}
