//! A page in a browser reaches no board.

/// Serial lines.
pub(crate) mod serial {
    use crate::fpga::link::LinkError;
    use crate::fpga::link::packets::Patience;
    use crate::fpga::link::port::{AnyLink, FoundPort};

    /// None.
    pub(crate) fn ports() -> Vec<FoundPort> {
        Vec::new()
    }

    /// Opens none.
    ///
    /// # Errors
    /// [`LinkError::Absent`].
    pub(crate) fn connect(path: &str, _: Patience) -> Result<AnyLink, LinkError> {
        Err(LinkError::Absent { port: path.into() })
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
