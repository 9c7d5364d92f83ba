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
    async fn ask() -> Result<Self> {
        let bus = Connection::session().await?;
        let name = "org.freedesktop.ScreenSaver";
        bus.call_method(Some(name), "/org/freedesktop/ScreenSaver", Some(name), "Inhibit", &(WHO, WHY)).await?;
        Ok(Self(bus))
    }
}

impl SleepInhibition {
    async fn ask() -> Result<Self> {
        let bus = Connection::system().await?;
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
                    screen = granted("the screen saver", ScreenInhibition::ask().await, &mut said[0]);
                }
                if !matches!(&sleep, Some(SleepInhibition { bus, .. }) if is_there(bus).await) {
                    sleep = granted("sleep", SleepInhibition::ask().await, &mut said[1]);
                }
            });
            thread::sleep(ASK_EVERY);
        }
    };
    if let Err(error) = thread::Builder::new().name("awake".into()).spawn(work) {
        tracing::warn!("nobody keeps the screen awake: {error}");
    }
}
