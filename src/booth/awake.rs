//! Keeps the screen and the machine awake: the desktop's screen saver and the login manager are asked, over D-Bus, each where it is.
//!
//! Both give back what they granted when the connection closes, at the latest with the process.

use std::thread;
use web_time::Duration;
use zbus::zvariant::OwnedFd;
use zbus::{Connection, Result};

/// A session's bus may come after the booth, or go and come anew.
const ASK_EVERY: Duration = Duration::from_secs(60);
const WHO: &str = "Ernscope";
const WHY: &str = "a demo runs at a booth";

/// What keeps the screen on, as long as it is held.
struct ScreenInhibition(Connection);

/// What keeps the machine from sleeping, as long as it is held.
struct SleepInhibition {
    bus: Connection,
    _granted: OwnedFd,
}

impl ScreenInhibition {
    async fn ask(bus: Connection) -> Result<Self> {
        let name = "org.freedesktop.ScreenSaver";
        bus.call_method(Some(name), "/org/freedesktop/ScreenSaver", Some(name), "Inhibit", &(WHO, WHY)).await?;
        Ok(Self(bus))
    }
}

impl SleepInhibition {
    async fn ask(bus: Connection) -> Result<Self> {
        let (name, manager) = ("org.freedesktop.login1", "org.freedesktop.login1.Manager");
        let wish = ("sleep:idle", WHO, WHY, "block");
        let granted = bus.call_method(Some(name), "/org/freedesktop/login1", Some(manager), "Inhibit", &wish).await?;
        let granted = granted.body().deserialize()?;
        Ok(Self { bus, _granted: granted })
    }
}

/// Whether somebody still answers at the other end of the bus.
async fn is_there(bus: &Connection) -> bool {
    let name = "org.freedesktop.DBus";
    bus.call_method(Some(name), "/org/freedesktop/DBus", Some("org.freedesktop.DBus.Peer"), "Ping", &()).await.is_ok()
}

/// What was granted; why nothing was is said once.
fn granted<T>(what: &str, asked: Result<T>, said: &mut bool) -> Option<T> {
    match &asked {
        Ok(_) => tracing::info!("{what} is held off as long as the booth runs"),
        Err(error) if !*said => tracing::info!("{what} cannot be held off ({error}): the system's settings have to"),
        Err(_) => {}
    }
    *said = asked.is_err();
    asked.ok()
}

/// Keeps all awake from now until the process ends. No bus, or nobody on it who knows of sleep, is no error: a kiosk may have neither.
pub(crate) fn keep_awake() {
    let work = || {
        let (mut screen, mut sleep, mut said) = (None, None, [false; 2]);
        loop {
            pollster::block_on(async {
                if !matches!(&screen, Some(ScreenInhibition(bus)) if is_there(bus).await) {
                    let asked = async { ScreenInhibition::ask(Connection::session().await?).await };
                    screen = granted("the screen saver", asked.await, &mut said[0]);
                }
                if !matches!(&sleep, Some(SleepInhibition { bus, .. }) if is_there(bus).await) {
                    let asked = async { SleepInhibition::ask(Connection::system().await?).await };
                    sleep = granted("sleep", asked.await, &mut said[1]);
                }
            });
            thread::sleep(ASK_EVERY);
        }
    };
    if let Err(error) = thread::Builder::new().name("awake".into()).spawn(work) {
        tracing::warn!("nobody keeps the screen awake: {error}");
    }
}

#[cfg(test)]
#[path = "../../tests/common/skipped.rs"]
mod skipped;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, PipeWriter, Read};
    use std::process::{Command, Stdio};
    use std::sync::{Arc, Mutex};
    use zbus::connection::Builder;

    /// What stands for the screen saver, and keeps what it was asked.
    struct ScreenSaver(Arc<Mutex<Vec<String>>>);

    #[zbus::interface(name = "org.freedesktop.ScreenSaver")]
    impl ScreenSaver {
        fn inhibit(&self, who: String, why: String) -> u32 {
            self.0.lock().expect("nobody panicked").extend([who, why]);
            7
        }
    }

    /// What stands for the login manager: gives one end of a pipe away.
    struct LoginManager(Mutex<Option<PipeWriter>>, Arc<Mutex<Vec<String>>>);

    #[zbus::interface(name = "org.freedesktop.login1.Manager")]
    impl LoginManager {
        fn inhibit(&self, what: String, _who: String, _why: String, mode: String) -> OwnedFd {
            self.1.lock().expect("nobody panicked").extend([what, mode]);
            let end = self.0.lock().expect("nobody panicked").take().expect("asked once");
            OwnedFd::from(std::os::fd::OwnedFd::from(end))
        }
    }

    #[test]
    fn what_is_granted_is_held_and_given_back() {
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--print-address"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut daemon) = daemon.spawn() else {
            return skipped::skip("holding off sleep", "there is no dbus-daemon");
        };
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().expect("piped")).read_line(&mut address).expect("an address");
        let address = address.trim();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (mut given, end) = std::io::pipe().expect("a pipe");
        let login = LoginManager(Mutex::new(Some(end)), asked.clone());
        pollster::block_on(async {
            let service =
                Builder::address(address)?.name("org.freedesktop.ScreenSaver")?.name("org.freedesktop.login1")?;
            let service = service.serve_at("/org/freedesktop/ScreenSaver", ScreenSaver(asked.clone()))?;
            let service = service.serve_at("/org/freedesktop/login1", login)?.build().await?;
            let screen = ScreenInhibition::ask(Builder::address(address)?.build().await?).await?;
            let sleep = SleepInhibition::ask(Builder::address(address)?.build().await?).await?;
            assert!(is_there(&screen.0).await && is_there(&sleep.bus).await);
            drop(sleep);
            let mut rest = Vec::new();
            given.read_to_end(&mut rest)?;
            drop(service);
            daemon.kill()?;
            daemon.wait()?;
            assert!(!is_there(&screen.0).await);
            let nobody = ScreenInhibition::ask(screen.0).await;
            assert!(granted("the screen saver", nobody, &mut false).is_none());
            Result::Ok(())
        })
        .expect("a bus");
        assert_eq!(*asked.lock().expect("nobody panicked"), [WHO, WHY, "sleep:idle", "block"]);
    }
}
