//! For tests and fuzzers: files whose CRCs are right, whatever is in them.

use super::file::{END, EVENT, FRAME, MAGIC, VERSION};

/// A file of this header and of these records, each a kind and its content; `None` is the content of the end that fits.
pub(crate) fn forged(json: &[u8], records: &[(u8, Option<Vec<u8>>)]) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes(), &(json.len() as u32).to_le_bytes(), json].concat();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    for (kind, content) in records {
        let content = content.clone().unwrap_or_else(|| {
            let count = |kind| records.iter().filter(|record| record.0 == kind).count() as u64;
            let crc = crc32fast::hash(&bytes);
            [&count(FRAME).to_le_bytes()[..], &count(EVENT).to_le_bytes(), &crc.to_le_bytes()].concat()
        });
        let record = [&[*kind][..], &(content.len() as u32).to_le_bytes(), &content].concat();
        let crc = crc32fast::hash(&record);
        bytes.extend(record);
        bytes.extend(crc.to_le_bytes());
    }
    bytes
}

/// A record's kind, and what is in it; the end's is made anew.
pub(crate) type ForgedRecord = (u8, Option<Vec<u8>>);

/// The JSON of a file that is whole, and its records.
#[cfg(test)]
pub(crate) fn taken_apart(mut bytes: &[u8]) -> (Vec<u8>, Vec<ForgedRecord>) {
    let length = u32::from_le_bytes(*bytes[12..].first_chunk().expect("a length")) as usize;
    let json = bytes[16..16 + length].to_vec();
    bytes = &bytes[20 + length..];
    let mut records = Vec::new();
    while let [kind, rest @ ..] = bytes {
        let length = u32::from_le_bytes(*rest.first_chunk().expect("a length")) as usize;
        let content = (*kind != END).then(|| rest[4..4 + length].to_vec());
        records.push((*kind, content));
        bytes = &rest[8 + length..];
    }
    (json, records)
}
