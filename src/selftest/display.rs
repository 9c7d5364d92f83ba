//! Display and graphics: whether a window has somewhere to go, and what draws it.

use super::finding::{Finding, FindingState, Tell};
use std::env;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use wgpu::{Backends, DeviceType, Instance};

pub(super) fn check(tell: Tell<'_>) {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let display = display(variable("WAYLAND_DISPLAY"), variable("XDG_RUNTIME_DIR"), variable("DISPLAY"));
    let has_display = display.state == FindingState::Well;
    tell(display);
    tell(graphics(has_display));
}

/// As a window would choose: Wayland's first.
fn display(wayland: Option<String>, runtime: Option<String>, x11: Option<String>) -> Finding {
    if let Some(name) = wayland {
        let socket = runtime.map_or(PathBuf::from(&name), |folder| Path::new(&folder).join(&name));
        return answered(&format!("Wayland's {name}"), UnixStream::connect(socket).map(drop));
    }
    match x11 {
        None => Finding::absent("display", "none: neither WAYLAND_DISPLAY nor DISPLAY is set"),
        Some(name) => match local_x11(&name) {
            Some(socket) => answered(&format!("X11's {name}"), UnixStream::connect(socket).map(drop)),
            None => Finding::well("display", format!("X11's {name}, on another machine")),
        },
    }
}

/// The socket of a display of this machine: `:N` or `:N.SCREEN`.
fn local_x11(name: &str) -> Option<PathBuf> {
    let number = name.strip_prefix(':')?.split('.').next()?;
    number.parse::<u32>().ok().map(|number| PathBuf::from(format!("/tmp/.X11-unix/X{number}")))
}

fn answered(name: &str, answer: io::Result<()>) -> Finding {
    match answer {
        Ok(()) => Finding::well("display", name),
        Err(error) => {
            let says = format!("{name} does not answer ({error})");
            Finding::fault("display", says, "log in on the desktop, and start the program there")
        }
    }
}

fn graphics(has_display: bool) -> Finding {
    let adapters = pollster::block_on(Instance::default().enumerate_adapters(Backends::all()));
    let infos: Vec<_> = adapters.iter().map(|adapter| adapter.get_info()).collect();
    let best = infos.iter().find(|info| info.device_type != DeviceType::Cpu).or(infos.first());
    match best {
        Some(info) if info.device_type == DeviceType::Cpu => {
            Finding::well("graphics", format!("{} ({}), the processor draws", info.name, info.backend))
        }
        Some(info) => Finding::well("graphics", format!("{} ({}, {:?})", info.name, info.backend, info.device_type)),
        None if has_display => Finding::fault("graphics", "no driver is there", "install mesa-vulkan-drivers"),
        None => Finding::absent("graphics", "no driver is there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_that_is_named_and_not_there_is_a_fault() {
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(display(None, None, None).state, FindingState::Absent);
        assert_eq!(display(name("wayland-77"), name("/no/such/folder"), None).state, FindingState::Fault);
        assert_eq!(display(None, None, name(":4077.0")).state, FindingState::Fault);
        assert_eq!(display(None, None, name("elsewhere:0")).state, FindingState::Well);
    }
}
