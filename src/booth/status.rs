//! The status page: a small server in the supervisor's process, so that it cannot disturb the window. Read-only; a connection is one
//! request.
//!
//! `httparse` reads requests, as in hyper; the rest of a server with a runtime is more than a page that few ever ask for needs.

use super::figures::BoothFigures;
use super::status_page::{STAFF_PAGE, StatusReport, page};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use web_time::{Duration, Instant};

/// Connections at a time; more are closed at once.
const MOST_CONNECTIONS: usize = 32;
/// From the connection to the last byte of the answer.
const REQUEST: Duration = Duration::from_secs(5);
/// The longest header, in bytes, and in lines.
const LONGEST_HEADER: usize = 8 << 10;
const MOST_FIELDS: usize = 64;
/// Before an address is asked for again that cannot be had.
const RETRY: Duration = Duration::from_secs(10);
/// After the system refused a connection: it lacks something, and would refuse the next one at once.
const REFUSED: Duration = Duration::from_millis(100);

/// Where the status page is: a port alone is one of this machine's own, for nobody outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusAddress(SocketAddr);

impl FromStr for StatusAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = text.parse::<u16>().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        let address = port.or_else(|_| text.parse::<SocketAddr>()).ok().filter(|address| address.port() != 0);
        address
            .map(Self)
            .ok_or_else(|| "a port is needed, or an address and a port: 8080, 0.0.0.0:8080, [::1]:8080".to_owned())
    }
}

/// Serves from now on, for as long as the program runs. An address that cannot be had is asked for again and again: the network may
/// come later than the booth, which does not wait for it.
///
/// # Errors
/// The system's, where it gives no thread.
pub(crate) fn serve(address: StatusAddress, figures: BoothFigures) -> io::Result<()> {
    let bound = TcpListener::bind(address.0);
    match &bound {
        Ok(_) => tracing::info!("the status page is at http://{}/", address.0),
        Err(error) => tracing::warn!(
            "there is no status page at {} ({error}): choose another port or one of this machine's addresses; it is tried again every {} s",
            address.0,
            RETRY.as_secs()
        ),
    }
    let listen = move || {
        let listener = bound.unwrap_or_else(|_| wait_for(address.0));
        answer_all(&listener, &figures);
    };
    thread::Builder::new().name("status".into()).spawn(listen)?;
    Ok(())
}

fn wait_for(address: SocketAddr) -> TcpListener {
    loop {
        thread::sleep(RETRY);
        if let Ok(listener) = TcpListener::bind(address) {
            tracing::info!("the status page is at http://{address}/ now");
            return listener;
        }
    }
}

/// Counts itself among the open connections.
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn answer_all(listener: &TcpListener, figures: &BoothFigures) {
    let open = Arc::new(AtomicUsize::new(0));
    for connection in listener.incoming() {
        let Ok(connection) = connection else {
            thread::sleep(REFUSED);
            continue;
        };
        // Only this thread adds to them.
        if open.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (seat, figures) = (Seat(open.clone()), figures.clone());
        let answer = move || {
            let _seat = seat;
            // Whoever asked does not wait for the answer.
            let _ = answer(Timed { connection, until: Instant::now() + REQUEST }, &figures);
        };
        // Without a thread the connection is dropped, and closed.
        let _ = thread::Builder::new().name("request".into()).spawn(answer);
    }
}

/// A connection that ends in time, however slowly the other side reads or writes.
struct Timed {
    connection: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.connection.set_read_timeout(self.left()?)?;
        self.connection.read(bytes)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.set_write_timeout(self.left()?)?;
        self.connection.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

/// What is answered.
struct HttpAnswer {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

impl HttpAnswer {
    fn plain(status: &'static str, body: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: format!("{body}\n").into() }
    }

    fn well(kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: "200 OK", kind, body: body.into() }
    }
}

fn answer(mut connection: Timed, figures: &BoothFigures) -> io::Result<()> {
    let asked = asked(&mut connection)?;
    let head_alone = matches!(&asked, Ok((Method::Head, _)));
    let HttpAnswer { status, kind, body } = match asked {
        Ok((_, path)) => answer_of(&path, figures),
        Err(refusal) => refusal,
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src 'self'\r\nX-Content-Type-Options: nosniff\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes())?;
    if !head_alone {
        connection.write_all(&body)?;
    }
    drain(connection)
}

/// Lets what was sent arrive: a connection that is closed with something unread takes the answer with it.
fn drain(mut connection: Timed) -> io::Result<()> {
    connection.connection.shutdown(std::net::Shutdown::Write)?;
    connection.until = connection.until.min(Instant::now() + Duration::from_secs(1));
    let mut rest = [0; 4096];
    for _ in 0..16 {
        if connection.read(&mut rest)? == 0 {
            break;
        }
    }
    Ok(())
}

enum Method {
    Get,
    Head,
}

/// How and for which path is asked, or what is answered to no sound request.
fn asked(connection: &mut Timed) -> io::Result<Result<(Method, String), HttpAnswer>> {
    let mut header = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let length = connection.read(&mut piece)?;
        header.extend_from_slice(&piece[..length]);
        if let Some(asked) = parsed(&header) {
            return Ok(asked);
        }
        if length == 0 {
            return Ok(Err(HttpAnswer::plain("400 Bad Request", "no whole request")));
        }
        if header.len() > LONGEST_HEADER {
            return Ok(Err(HttpAnswer::plain(
                "431 Request Header Fields Too Large",
                "at most 8 KiB of header are read",
            )));
        }
    }
}

/// `None` where there is more to come.
fn parsed(header: &[u8]) -> Option<Result<(Method, String), HttpAnswer>> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(header) {
        Ok(httparse::Status::Partial) => return None,
        Ok(httparse::Status::Complete(_)) => {}
        Err(error) => return Some(Err(HttpAnswer::plain("400 Bad Request", &error.to_string()))),
    }
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => return Some(Err(HttpAnswer::plain("405 Method Not Allowed", "this page can only be read"))),
    };
    let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
    Some(Ok((method, path.to_owned())))
}

fn answer_of(path: &str, figures: &BoothFigures) -> HttpAnswer {
    const HTML: &str = "text/html; charset=utf-8";
    let report = || StatusReport::of(figures);
    match path {
        "/" => HttpAnswer::well(HTML, page(&report())),
        "/staff" => HttpAnswer::well(HTML, STAFF_PAGE),
        "/status.json" => match serde_json::to_string(&report()) {
            Ok(body) => HttpAnswer::well("application/json", body + "\n"),
            Err(error) => HttpAnswer::plain("500 Internal Server Error", &error.to_string()),
        },
        "/picture.jpg" => match figures.get().picture(Instant::now()) {
            Some(picture) => HttpAnswer::well("image/jpeg", picture),
            None => HttpAnswer::plain("404 Not Found", "there is none, or booth.toml does not want it shown"),
        },
        "/healthz" if figures.get().is_live(Instant::now()) => HttpAnswer::plain("200 OK", "live"),
        "/healthz" => HttpAnswer::plain("503 Service Unavailable", "not live"),
        _ => HttpAnswer::plain("404 Not Found", "there are /, /staff, /status.json and /healthz"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booth::config::PrivacyConfig;
    use crate::booth::counts::DayCounts;
    use crate::booth::heartbeat::Heartbeat;
    use crate::booth::restarts::{RestartCause, RestartMemory};

    fn served() -> (SocketAddr, BoothFigures) {
        let figures = BoothFigures::new(RestartMemory::open(None), DayCounts::default());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (address, theirs) = (listener.local_addr().expect("bound"), figures.clone());
        thread::spawn(move || answer_all(&listener, &theirs));
        (address, figures)
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let connection = TcpStream::connect(address).expect("it listens");
        connection.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        connection
    }

    /// All that comes back; nothing where the connection is closed before.
    fn ask(address: SocketAddr, bytes: &[u8]) -> String {
        let mut connection = connect(address);
        let mut answer = String::new();
        let _ = connection.write_all(bytes).and_then(|()| connection.read_to_string(&mut answer).map(drop));
        answer
    }

    fn get(address: SocketAddr, path: &str) -> String {
        ask(address, format!("GET {path} HTTP/1.1\r\nHost: booth\r\n\r\n").as_bytes())
    }

    #[test]
    fn it_tells_what_is_and_whether_the_stage_lives() {
        let (address, figures) = served();
        assert!(get(address, "/healthz").starts_with("HTTP/1.1 503 "));
        let camera = "<script>alert(1)</script>".to_owned();
        let (selftest, picture) = ("all is well".to_owned(), vec![0xff, 0xd8]);
        let beat = Heartbeat {
            painted: 9,
            predicted: 8,
            frames_per_s: 29.5,
            camera,
            selftest,
            picture,
            ..Heartbeat::default()
        };
        figures.get().take(beat.clone(), Instant::now(), &PrivacyConfig::default());
        figures.get().restarts.add(RestartCause::Hung, "nothing was painted".into(), Duration::from_secs(7));
        for _ in 0..400 {
            figures.get().remember(Instant::now());
        }
        assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 "));
        let json = get(address, "/status.json?x=1");
        let json: serde_json::Value =
            serde_json::from_str(json.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
        assert!(json["live"] == true && json["frames_per_s"] == 29.5 && json["restarts"] == 1, "{json}");
        assert_eq!(json["last_restarts"][0]["cause"], "hung");
        assert_eq!((&json["selftest"], &json["has_picture"]), (&"all is well".into(), &false.into()));
        assert!(get(address, "/picture.jpg").starts_with("HTTP/1.1 404 "));
        assert_eq!(json["history"].as_array().map(Vec::len), Some(360));
        let html = get(address, "/");
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script>") && html.contains("<svg"), "{html}");
        let head = ask(address, b"HEAD / HTTP/1.1\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(get(address, "/other").starts_with("HTTP/1.1 404 "));
        assert!(get(address, "/staff").contains("Ctrl"));
        let shown = PrivacyConfig { picture_on_status_page: true, counts: false };
        figures.get().take(beat, Instant::now(), &shown);
        let mut picture = Vec::new();
        let mut connection = connect(address);
        connection.write_all(b"GET /picture.jpg HTTP/1.1\r\n\r\n").expect("sent");
        connection.read_to_end(&mut picture).expect("answered");
        assert!(picture.ends_with(b"\r\n\r\n\xff\xd8") && get(address, "/").contains("/picture.jpg"));
    }

    #[test]
    fn garbage_is_answered_or_dropped() {
        let (address, _) = served();
        assert!(ask(address, b"\x00\xff\x16\x03 garbage\r\n\r\n").starts_with("HTTP/1.1 400 "));
        assert!(ask(address, b"POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
        assert!(
            ask(address, format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100)).as_bytes())
                .starts_with("HTTP/1.1 400 ")
        );
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
        let answer = ask(address, long.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
        let mut half = connect(address);
        half.write_all(b"GET / HT").and_then(|()| half.shutdown(std::net::Shutdown::Write)).expect("sent");
        let mut answer = String::new();
        half.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }

    /// Slow ones take all seats for five seconds and lose them; a thousand others are answered or dropped meanwhile.
    #[test]
    fn slow_ones_are_dropped_and_a_thousand_are_survived() {
        let (address, _) = served();
        let slow: Vec<TcpStream> = (0..MOST_CONNECTIONS).map(|_| connect(address)).collect();
        let start = Instant::now();
        for _ in 0..1000 {
            drop(connect(address));
        }
        for mut connection in slow {
            let sent = connection.write_all(b"G");
            let mut answer = Vec::new();
            let read = connection.read_to_end(&mut answer);
            assert!(sent.is_err() || read.is_err() || answer.is_empty(), "no answer to no request");
        }
        assert!((4..15).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        // The last one may just be leaving its seat.
        thread::sleep(Duration::from_millis(100));
        assert!(get(address, "/healthz").starts_with("HTTP/1.1 503 "));
    }

    #[test]
    fn a_port_alone_is_for_nobody_outside() {
        let address = |text: &str| text.parse::<StatusAddress>().map(|address| address.0.to_string());
        assert_eq!(address("8080"), Ok("127.0.0.1:8080".into()));
        assert_eq!(address("0.0.0.0:80"), Ok("0.0.0.0:80".into()));
        assert_eq!(address("[::1]:8080"), Ok("[::1]:8080".into()));
        for text in ["", "0", "65536", "host:80", "1.2.3.4", ":80", "-1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
