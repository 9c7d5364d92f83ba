//! A page in a browser reaches the boards that the person allowed, where it has Web Serial and can suspend the driver while it waits.

/// Serial lines.
pub(crate) mod serial {
    use crate::fpga::link::LinkError;
    use crate::fpga::link::packets::{PacketLink, Patience};
    use crate::fpga::link::port::{AnyLink, BAUD, FoundPort, READ_WAIT, session_seed};
    use crate::host::serial::{Line, port_names};
    use crate::host::steps::{may_wait, wait};
    use send_wrapper::SendWrapper;
    use std::io::{self, Read, Write};
    use web_time::{Duration, Instant};

    /// A browser opens a port at once, or says why not.
    const OPENING: Duration = Duration::from_secs(5);
    /// So many times as long as elsewhere anything is waited for: the thread that listens is the one that paints.
    const PATIENCE: u32 = 5;

    /// What a port is called, from its index on.
    pub(crate) fn path(index: u32) -> String {
        format!("serial{index}")
    }

    /// Those that the person allowed: each of them was meant to be a board's.
    pub(crate) fn ports() -> Vec<FoundPort> {
        let port = |(index, name): (usize, wasm_bindgen::JsValue)| FoundPort {
            path: path(index as u32),
            name: name.as_string().unwrap_or_default(),
            is_board: true,
        };
        port_names().iter().enumerate().map(port).collect()
    }

    /// Opens a session with the board on a port.
    ///
    /// # Errors
    /// [`LinkError`].
    pub(crate) fn connect(path: &str, patience: Patience) -> Result<AnyLink, LinkError> {
        let port = || path.to_owned();
        let index = path.strip_prefix("serial").and_then(|index| index.parse().ok());
        let line = Line::open(index.ok_or_else(|| LinkError::Absent { port: port() })?, BAUD);
        let mut line = SerialLine(SendWrapper::new(line));
        line.opened().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LinkError::Absent { port: port() },
            io::ErrorKind::ResourceBusy => LinkError::InUse { port: port() },
            _ => LinkError::Port { port: port(), error },
        })?;
        let Patience { ask, silence, standstill } = patience;
        let patience = Patience { ask: ask * PATIENCE, silence: silence * PATIENCE, standstill: standstill * PATIENCE };
        PacketLink::open(Box::new(line), patience, session_seed())
    }

    /// A port of the browser, which is given back with this.
    struct SerialLine(SendWrapper<Line>);

    impl SerialLine {
        fn opened(&mut self) -> io::Result<()> {
            let end = Instant::now() + OPENING;
            while !self.0.ready() {
                self.trouble()?;
                if Instant::now() >= end {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                pause()?;
            }
            Ok(())
        }

        /// What went wrong since it was opened.
        fn trouble(&self) -> io::Result<()> {
            let Some(trouble) = self.0.trouble() else { return Ok(()) };
            let [name, words] = [0, 1].map(|at| trouble.get(at).as_string().unwrap_or_default());
            let kind = match name.as_str() {
                "NotFoundError" => io::ErrorKind::NotFound,
                "InvalidStateError" => io::ErrorKind::ResourceBusy,
                _ => io::ErrorKind::Other,
            };
            Err(io::Error::new(kind, words))
        }
    }

    /// Lets the page go on until something happens on a line, or for a while.
    fn pause() -> io::Result<()> {
        if !may_wait() {
            return Err(io::Error::other("the page waits for another board"));
        }
        wait(READ_WAIT.as_millis() as f64);
        Ok(())
    }

    impl Read for SerialLine {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let mut came = self.0.read(bytes.len() as u32);
            if came.is_none() {
                self.trouble()?;
                pause()?;
                came = self.0.read(bytes.len() as u32);
            }
            let came = came.ok_or(io::ErrorKind::TimedOut)?;
            let count = came.length() as usize;
            came.copy_to(&mut bytes[..count]);
            Ok(count)
        }
    }

    impl Write for SerialLine {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.trouble()?;
            match self.0.write(bytes) as usize {
                0 => {
                    pause()?;
                    Err(io::ErrorKind::TimedOut.into())
                }
                count => Ok(count),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Drop for SerialLine {
        fn drop(&mut self) {
            self.0.close();
        }
    }
}

/// The simulated board.
pub(crate) mod simulated {
    use crate::fpga::link::LinkError;
    use crate::fpga::link::port::AnyLink;

    /// Starts none.
    ///
    /// # Errors
    /// [`LinkError::NoBoard`].
    pub(crate) fn connect() -> Result<AnyLink, LinkError> {
        Err(LinkError::NoBoard)
    }
}
