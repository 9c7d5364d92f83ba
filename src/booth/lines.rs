//! Lines from a pipe that nobody vouches for.

use std::io::{self, BufRead, BufReader, Read};

/// Reads until the input ends or fails. Of a line with more than `most` bytes the rest is passed over.
pub(super) fn each_line(input: impl Read, most: usize, mut tell: impl FnMut(&str)) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut input).take(most as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let whole = line.pop_if(|last| *last == b'\n').is_some();
        tell(&String::from_utf8_lossy(&line));
        if !whole && pass_over(&mut input).is_err() {
            return;
        }
    }
}

/// To the end of a line, holding none of it.
fn pass_over(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let held = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            held => held?,
        };
        let end = held.iter().position(|byte| *byte == b'\n');
        let passed = end.map_or(held.len(), |end| end + 1);
        input.consume(passed);
        if end.is_some() || passed == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_the_next_one_is_whole() {
        let text = format!("one\n{}\n\ntwo\n{}", "x".repeat(100_000), "y".repeat(30));
        let mut lines = Vec::new();
        each_line(text.as_bytes(), 10, |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["one", "xxxxxxxxxx", "", "two", "yyyyyyyyyy"]);
    }

    #[test]
    fn what_is_no_text_is_told_as_far_as_it_is() {
        let mut lines = Vec::new();
        each_line(&b"\xff\xfe\nlast"[..], 10, |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["\u{fffd}\u{fffd}", "last"]);
    }
}
