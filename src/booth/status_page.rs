//! What the status page says, as JSON and as a page without scripts.

use super::counts::DayCount;
use super::figures::{BoothFigures, CurvePoint, POINT_EVERY, POINTS};
use super::heartbeat::{Heartbeat, StageMode};
use super::restarts::{Restart, epoch_s};
use crate::host::files;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;
use web_time::Instant;

/// Restarts that the page lists.
const LISTED: usize = 20;

/// For the people of the booth, to print.
pub(super) const STAFF_PAGE: &str = include_str!("../../assets/booth/staff.html");

/// What is so just now.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    version: &'static str,
    live: bool,
    /// When the booth began, in seconds since 1970.
    since_s: u64,
    up_s: u64,
    /// How long the stage runs that runs now.
    stage_up_s: Option<u64>,
    mode: Option<StageMode>,
    frames_per_s: f32,
    latency_ms: f32,
    painted: u64,
    predicted: u64,
    /// How long ago the last frame was painted and the last prediction made, as far as is known.
    painted_ms_ago: Option<u64>,
    predicted_ms_ago: Option<u64>,
    camera: String,
    board: String,
    fault: String,
    config_fault: Option<String>,
    /// What the morning check found, in words; empty before it came to its end.
    selftest: String,
    /// Cards shown, a day; the newest last.
    days: VecDeque<DayCount>,
    /// Whether `/picture.jpg` is there.
    has_picture: bool,
    memory_mb: Option<u64>,
    /// The hottest that the system tells of.
    temperature_c: Option<f32>,
    restarts: u64,
    /// The newest last.
    last_restarts: VecDeque<Restart>,
    history_every_s: u64,
    /// The oldest first.
    history: VecDeque<CurvePoint>,
}

impl StatusReport {
    pub(super) fn of(figures: &BoothFigures) -> Self {
        let temperature_c = temperature();
        let now = Instant::now();
        let figures = figures.get();
        let beat = figures.beat.as_ref().map(|(beat, _)| beat.clone());
        let mode = beat.as_ref().map(|beat| beat.mode);
        let ages = figures.ages(now).map(|ages| ages.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)));
        let Heartbeat { painted, predicted, frames_per_s, latency_ms, camera, board, fault, .. } =
            beat.unwrap_or_default();
        Self {
            version: env!("ERNSCOPE_VERSION"),
            live: figures.is_live(now),
            since_s: epoch_s(figures.since.0),
            up_s: now.duration_since(figures.since.1).as_secs(),
            stage_up_s: figures.stage_since.map(|since| now.duration_since(since).as_secs()),
            mode,
            frames_per_s,
            latency_ms,
            painted,
            predicted,
            painted_ms_ago: ages.map(|[painted, _]| painted),
            predicted_ms_ago: ages.map(|[_, predicted]| predicted),
            camera,
            board,
            fault,
            config_fault: figures.config_fault.clone(),
            selftest: figures.selftest.clone(),
            days: figures.counts.days().clone(),
            has_picture: figures.picture(now).is_some(),
            memory_mb: figures.memory_mb,
            temperature_c,
            restarts: figures.restarts.count(),
            last_restarts: figures.restarts.last().clone(),
            history_every_s: POINT_EVERY.as_secs(),
            history: figures.history.clone(),
        }
    }
}

/// The hottest of what the system tells, in degrees Celsius.
fn temperature() -> Option<f32> {
    let folders = |of: &str| fs::read_dir(of).into_iter().flatten().flatten().map(|entry| entry.path());
    let zones = folders("/sys/class/thermal").map(|zone| zone.join("temp"));
    let is_input = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("temp") && name.ends_with("_input")
    };
    let sensors = folders("/sys/class/hwmon").flat_map(|chip| fs::read_dir(chip).into_iter().flatten().flatten());
    let sensors = sensors.map(|entry| entry.path()).filter(|path| is_input(path));
    let degrees = zones.chain(sensors).filter_map(|path| {
        let mut text = String::new();
        files::open(&path).ok()?.take(32).read_to_string(&mut text).ok()?;
        Some(text.trim().parse::<i32>().ok()? as f32 / 1000.0)
    });
    degrees.filter(|degrees| (-50.0..200.0).contains(degrees)).reduce(f32::max)
}

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;background:#111418;color:#e8eaed}\
    td,th{padding:.15em 1.2em .15em 0;text-align:left;vertical-align:top}th{font-weight:normal;color:#9aa4b0}\
    svg{width:100%;height:6em;background:#1a1f26}polyline{fill:none;stroke:#6cb6ff;stroke-width:1.5;vector-effect:non-scaling-stroke}\
    a{color:#6cb6ff}.bad{color:#ff8f7a}.good{color:#8fd694}";

/// The page. It asks for itself again every ten seconds.
pub(super) fn page(report: &StatusReport) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"10\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Ernscope booth</title><style>{STYLE}</style></head><body>\
         <h1>Ernscope booth: {}</h1>\n<table>\n",
        if report.live { "<span class=\"good\">live</span>" } else { "<span class=\"bad\">not live</span>" }
    );
    for (name, value) in rows(report) {
        let bad = if name.ends_with("fault") && value != "none" { " class=\"bad\"" } else { "" };
        row(&mut html, &format!("<th>{name}</th><td{bad}>{}</td>", escaped(&value)));
    }
    html += "</table>\n";
    if report.has_picture {
        html += "<p><img src=\"/picture.jpg\" alt=\"what the camera sees\"></p>\n";
    }
    html += "<h2>The last hour</h2>\n";
    curve(&mut html, "Frames a second", report, |point| point.frames_per_s);
    curve(&mut html, "Latency, ms", report, |point| point.latency_ms);
    curve(&mut html, "Memory, MB", report, |point| point.memory_mb as f32);
    html += "<h2>Restarts</h2>\n<table>\n";
    let now = epoch_s(SystemTime::now());
    for restart in report.last_restarts.iter().rev().take(LISTED) {
        let ago = duration(now.saturating_sub(restart.at_s));
        let lived = duration(restart.lived_s);
        row(
            &mut html,
            &format!("<th>{ago} ago</th><td>{} after {lived}</td><td>{}</td>", restart.cause, escaped(&restart.words)),
        );
    }
    html += "</table>\n<h2>Cards shown</h2>\n<table>\n";
    for day in report.days.iter().rev() {
        let often = day.classes.iter().max_by_key(|(_, count)| **count);
        let often = often.map_or_else(String::new, |(label, count)| format!("{}: {count}", escaped(label)));
        let (day, cards, classes) = (escaped(&day.day), day.cards, day.classes.len());
        row(
            &mut html,
            &format!("<th>{day}</th><td>shown: {cards}</td><td>classes: {classes}</td><td>most often {often}</td>"),
        );
    }
    html += "</table>\n<p><a href=\"/staff\">A page for the staff, to print</a> · <a href=\"/status.json\">status.json</a></p></body></html>\n";
    html
}

fn row(html: &mut String, cells: &str) {
    html.push_str("<tr>");
    html.push_str(cells);
    html.push_str("</tr>\n");
}

fn rows(report: &StatusReport) -> Vec<(&'static str, String)> {
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let mode = report.mode.map_or("no stage", |mode| match mode {
        StageMode::Live => "live",
        StageMode::Attract => "attract loop",
        StageMode::Countdown => "countdown",
        StageMode::Opening => "title, while the machine is checked",
    });
    vec![
        ("Booth runs for", duration(report.up_s)),
        ("Stage runs for", report.stage_up_s.map_or("it does not run".into(), duration)),
        ("Plays", mode.to_owned()),
        ("Frames a second", format!("{:.1}", report.frames_per_s)),
        ("Latency", format!("{:.1} ms", report.latency_ms)),
        ("Camera", or_none(&report.camera)),
        ("Board", or_none(&report.board)),
        ("Stage's fault", or_none(&report.fault)),
        ("Morning check", or_none(&report.selftest)),
        ("Configuration's fault", or_none(report.config_fault.as_deref().unwrap_or_default())),
        ("Memory", report.memory_mb.map_or("unknown".into(), |memory| format!("{memory} MB"))),
        ("Temperature", report.temperature_c.map_or("unknown".into(), |degrees| format!("{degrees:.0} °C"))),
        ("Restarts", report.restarts.to_string()),
        ("Version", report.version.to_owned()),
    ]
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One curve; the newest point is at its right.
fn curve(html: &mut String, title: &str, report: &StatusReport, value: impl Fn(&CurvePoint) -> f32) {
    let top = report.history.iter().map(&value).fold(0.0, f32::max);
    let first = POINTS - report.history.len().min(POINTS);
    let mut points = String::new();
    for (number, point) in report.history.iter().enumerate() {
        let y = if top > 0.0 { 100.0 - 95.0 * value(point) / top } else { 100.0 };
        // A text takes whatever is written.
        let _ = write!(points, "{},{y:.1} ", first + number);
    }
    let (label, end) = (format!("{title}, at most {top:.1}"), POINTS - 1);
    let _ = writeln!(
        html,
        "<p>{label}</p><svg viewBox=\"0 0 {end} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">\
         <polyline points=\"{}\"/></svg>",
        points.trim_end()
    );
}
