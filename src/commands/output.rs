//! The program's own output. Its errors know what they are, so that none of an input is taken for one of them.

use anyhow::{Result, ensure};
use std::io::{self, ErrorKind, StdoutLock, Write};
use std::path::Path;
use thiserror::Error;

/// Why stdout takes nothing more.
#[derive(Debug, Error)]
#[error("the output cannot be written ({0}): make room, or send it elsewhere")]
struct OutputError(io::Error);

/// A writer whose errors [`is_closed`] knows.
pub(crate) struct Output<W>(W);

/// Stdout, for this thread alone.
pub(crate) fn stdout() -> Output<StdoutLock<'static>> {
    Output(io::stdout().lock())
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(ours)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(ours)
    }
}

fn ours(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), OutputError(error))
}

/// Refuses to write over what is read: `read` itself, or something in it where that is a folder.
///
/// # Errors
/// A sentence with a remedy.
pub(crate) fn spare(write: &Path, read: &Path) -> Result<()> {
    let (Ok(there), Ok(read)) = (write.canonicalize(), read.canonicalize()) else { return Ok(()) };
    ensure!(!there.starts_with(read), "{} is read here and would be written over: name another file", write.display());
    Ok(())
}

/// Whether whoever read our output has seen enough, as in `ernscope … | head`.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let output_error = |cause: &(dyn std::error::Error + 'static)| {
        let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
        inner.downcast_ref::<OutputError>().map(|error| error.0.kind())
    };
    error.chain().find_map(output_error) == Some(ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use std::fs;

    /// A writer that takes nothing.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    fn written(kind: ErrorKind) -> anyhow::Result<()> {
        Ok(writeln!(Output(Broken(kind)), "a line")?)
    }

    #[test]
    fn errors_of_the_output_are_told_from_those_of_inputs() {
        let error = written(ErrorKind::StorageFull).unwrap_err();
        assert!(format!("{error:#}").starts_with("the output cannot be written (no storage space)"), "{error:#}");
        assert!(!is_closed(&error));
        let input = anyhow::Error::from(io::Error::from(ErrorKind::NotFound));
        assert_eq!(format!("{input:#}"), "entity not found");
    }

    #[test]
    fn a_closed_output_is_one_however_it_is_told() {
        assert!(is_closed(&written(ErrorKind::BrokenPipe).unwrap_err()));
        assert!(is_closed(&written(ErrorKind::BrokenPipe).context("picture 3").unwrap_err()));
        // Of a pipe that is an input, or a process that we started.
        assert!(!is_closed(&io::Error::from(ErrorKind::BrokenPipe).into()));
    }

    #[test]
    fn what_is_read_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, other, new] = ["a.png", "b.png", "c.png"].map(|name| folder.path().join(name));
        [&one, &other].into_iter().for_each(|path| fs::write(path, b"there").expect("written"));
        assert!(spare(&one, &one).is_err() && spare(&one, folder.path()).is_err());
        assert!(spare(&other, &one).is_ok() && spare(&new, folder.path()).is_ok() && spare(&new, &new).is_ok());
    }
}
