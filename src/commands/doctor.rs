//! `ernscope doctor`: what this machine offers.

use super::output;
use crate::engine::cpu::Level;
use crate::fpga::board::{BoardError, capabilities};
use crate::fpga::link::packets::Patience;
use crate::fpga::link::ports::{serial, simulated};
use crate::network::shipped::SHIPPED;
use crate::source;
use anyhow::Result;
use std::io::Write;

pub(crate) fn run() -> Result<()> {
    let mut out = output::stdout();
    writeln!(out, "ernscope {}", env!("ERNSCOPE_VERSION"))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (large, small) = (Level::best(), Level::best_for(0));
    let apart = if large == small { String::new() } else { format!(", for small networks cpu:{small}") };
    writeln!(out, "processor: {cores} cores, best level cpu:{large}{apart}")?;
    for level in Level::ALL {
        writeln!(out, "  {:<12} {}", level.name(), if level.is_available() { "yes" } else { "no" })?;
    }
    writeln!(out, "cameras:")?;
    let cameras = source::reader::cameras();
    cameras.iter().try_for_each(|camera| writeln!(out, "  camera:{} {}", camera.index, camera.name))?;
    if cameras.is_empty() {
        writeln!(out, "  none is connected; the demo source runs without one")?;
    }
    boards(&mut out)?;
    writeln!(out, "networks:")?;
    for shipped in &SHIPPED {
        shipped.load()?;
        writeln!(out, "  {:<20} in order, {} bytes", shipped.name, shipped.bytes().map_or(0, <[u8]>::len))?;
    }
    graphics(&mut out)
}

/// Ports of boards, what answers there, and what to do where it does not; whether there is a simulated one.
fn boards(out: &mut impl Write) -> Result<()> {
    writeln!(out, "FPGA boards:")?;
    let ports = serial::ports();
    for port in &ports {
        if !port.is_board {
            let (path, name) = (&port.path, &port.name);
            writeln!(
                out,
                "  {path} {name}: no board is known by this name, nothing was sent; fpga:{path} uses it all the same"
            )?;
            continue;
        }
        let found = serial::connect(&port.path, Patience::BOARD).map_err(BoardError::from);
        match found.and_then(|mut link| capabilities(&mut link)) {
            Ok(size) => {
                let (lanes, outputs, pixels) = (size.parallel_in, size.parallel_out, size.pixels);
                writeln!(out, "  fpga:{} {}: an accelerator of {lanes}×{outputs}×{pixels}", port.path, port.name)?;
            }
            Err(error) => writeln!(out, "  fpga:{} {}: {error}; {}", port.path, port.name, error.remedy(false))?,
        }
    }
    if ports.is_empty() {
        writeln!(out, "  none is connected (no USB serial port with FTDI's chip was found)")?;
    }
    match simulated::program() {
        Ok(program) => writeln!(out, "  fpga:sim simulated, {}", program.display())?,
        Err(error) => writeln!(out, "  fpga:sim {error}; {}", error.remedy())?,
    }
    Ok(())
}

#[cfg(feature = "app")]
fn graphics(out: &mut impl Write) -> Result<()> {
    let instance = wgpu::Instance::default();
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    writeln!(out, "graphics:")?;
    for adapter in &adapters {
        let info = adapter.get_info();
        writeln!(out, "  {} ({:?}, {})", info.name, info.device_type, info.backend)?;
    }
    if adapters.is_empty() {
        writeln!(out, "  no driver: install mesa-vulkan-drivers for the window, or use --headless")?;
    }
    Ok(())
}

#[cfg(not(feature = "app"))]
fn graphics(out: &mut impl Write) -> Result<()> {
    writeln!(out, "graphics: this build has no window")?;
    Ok(())
}
