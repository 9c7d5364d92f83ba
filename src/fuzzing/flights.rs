//! Recordings.

use super::{Choices, check_error};
use crate::flight::{FlightReader, FlightRecord, forged};

/// Kinds of records, one that is none among them.
const KINDS: [u8; 5] = [1, 2, 3, 1, 9];

/// A recording as it is; and one that is made of the same bytes with CRCs that fit, so that what they protect is read.
pub fn flight(data: &[u8]) {
    read(data);
    let mut choices = Choices(data);
    let json = part(&mut choices);
    let mut records = Vec::new();
    while !choices.are_over() {
        let kind = choices.of(&KINDS);
        let content = part(&mut choices).to_vec();
        records.push((kind, (kind != 3 || !content.is_empty()).then_some(content)));
    }
    read(&forged(json, &records));
}

/// So many bytes as the two in front say.
fn part<'a>(choices: &mut Choices<'a>) -> &'a [u8] {
    let length = usize::from(choices.byte()) | usize::from(choices.byte()) << 8;
    choices.bytes(length)
}

/// The same bytes as [`flight`] takes apart.
#[cfg(test)]
pub(super) fn parts(json: &[u8], records: &[(u8, Option<Vec<u8>>)]) -> Vec<u8> {
    let part = |content: &[u8]| [&(content.len() as u16).to_le_bytes(), content].concat();
    let record = |(kind, content): &(u8, Option<Vec<u8>>)| {
        [&[kind - 1][..], &part(content.as_deref().unwrap_or_default())].concat()
    };
    [part(json), records.iter().flat_map(record).collect()].concat()
}

fn read(bytes: &[u8]) {
    let mut reader = match FlightReader::new(bytes, bytes.len() as u64) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(!error.remedy().is_empty());
            return check_error(&error);
        }
    };
    let header = reader.header().clone();
    let (mut frames, mut last) = (0, None);
    loop {
        match reader.next() {
            Ok(Some(FlightRecord::Frame(frame))) => {
                assert_eq!(frame.pixels.len(), header.edge * header.edge * 3);
                assert_eq!(frame.answer.len(), header.logits);
                assert!(frame.layers.is_empty() || frame.layers.len() == header.layers.len());
                assert!(last.is_none_or(|last| last < frame.number));
                (frames, last) = (frames + 1, Some(frame.number));
            }
            Ok(Some(FlightRecord::Event(event))) => assert!(!event.text.contains(char::is_control)),
            Ok(None) => return assert_eq!(frames, header.frames),
            Err(error) => return check_error(&error),
        }
    }
}
