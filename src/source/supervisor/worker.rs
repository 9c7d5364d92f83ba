//! The thread behind a supervisor.

use super::cameras::{Cameras, WantedCamera};
use super::command::{Delivery, SourceCommand};
use super::lookout::Lookout;
use super::outlet::Outlet;
use super::running::{Next, Over, Running};
use crate::frame::Frame;
use crate::host::Steps;
use crate::source::rendered::Rendered;
use crate::source::{DEFAULT_SEED, Picture, Source, SourceChoice, SourceError, SourceState, files};
use crossbeam_channel::{Receiver, RecvTimeoutError, Select, TryRecvError, TrySendError};
use web_time::{Duration, Instant};

/// The pause before a camera is opened again for the first time, and between looks at the list while it is not there.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The pause before a camera is opened again after it failed several times.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What the thread is about.
enum Phase {
    /// A source is open.
    Running(Box<Running>),
    /// A camera does not work and is tried again at the time.
    Retrying(WantedCamera, Instant),
    /// Nothing to do but wait for commands.
    Over,
}

/// What runs first.
pub(crate) enum Beginning {
    /// What a user asks for.
    Chosen(Option<SourceChoice>),
    /// A source of the caller's own.
    Own(Box<dyn Source>),
}

/// What is to be waited for between two steps, unless a command comes first.
enum Wait {
    /// A time, which may be now.
    Until(Instant),
    /// Room for a frame.
    Room,
    /// Nothing but a command.
    Command,
    /// Nothing: there will be no more steps.
    Over,
}

/// A choice that can be started.
enum StartableSource {
    Source(Box<dyn Source>),
    Camera(WantedCamera),
    /// The demo, for want of a camera.
    StandIn(SourceError),
}

/// The thread's own side of a supervisor.
pub(crate) struct Worker {
    delivery: Delivery,
    cameras: Box<dyn Cameras>,
    orders: Receiver<SourceCommand>,
    outlet: Outlet,
    phase: Phase,
    /// Before a camera that just failed is opened again.
    pause: Duration,
    paused: bool,
    /// Frames to let through although paused.
    steps: u32,
    /// A frame that must not be lost and for which there was no room.
    untaken: Option<Frame>,
    stopping: bool,
    /// What the last step has left to be waited for.
    awaited: Wait,
}

/// Until told to stop, or, other than for a window, until no more frames can come.
impl Steps for Worker {
    fn step(&mut self) -> bool {
        self.awaited = self.poll();
        !matches!(self.awaited, Wait::Over)
    }

    fn wait(&mut self) {
        match self.awaited {
            Wait::Over => {}
            Wait::Until(at) => {
                let received = self.orders.recv_timeout(at.saturating_duration_since(Instant::now()));
                if received != Err(RecvTimeoutError::Timeout) {
                    self.receive(received.ok());
                }
            }
            Wait::Command => {
                let received = self.orders.recv();
                self.receive(received.ok());
            }
            Wait::Room => self.wait_for_room(),
        }
    }
}

impl Worker {
    /// Opens the source.
    ///
    /// # Errors
    /// As [`super::Supervisor::start`].
    pub(crate) fn new(
        beginning: Beginning,
        delivery: Delivery,
        cameras: Box<dyn Cameras>,
        orders: Receiver<SourceCommand>,
        outlet: Outlet,
    ) -> Result<Self, SourceError> {
        let (plan, choice) = match beginning {
            Beginning::Chosen(choice) => (plan(choice.clone(), cameras.as_ref())?, choice),
            Beginning::Own(source) => (StartableSource::Source(source), None),
        };
        let (phase, pause) = (Phase::Over, FIRST_PAUSE);
        let mut worker = Self {
            delivery,
            cameras,
            orders,
            outlet,
            phase,
            pause,
            paused: false,
            steps: 0,
            untaken: None,
            stopping: false,
            awaited: Wait::Until(Instant::now()),
        };
        worker.launch(plan, choice);
        Ok(worker)
    }

    /// A step: obeys what was asked, then hands over the next frame where one is due. Waits for nothing but a camera, and for that
    /// not long; says what is to be waited for before the next step, unless a command comes first.
    fn poll(&mut self) -> Wait {
        loop {
            match self.orders.try_recv() {
                Ok(command) => self.obey(command),
                Err(TryRecvError::Disconnected) => self.stopping = true,
                Err(TryRecvError::Empty) => break,
            }
        }
        if self.stopping {
            return Wait::Over;
        }
        if !self.hand_over() {
            return Wait::Room;
        }
        match self.phase {
            Phase::Running(_) => self.beat(),
            Phase::Retrying(_, at) if Instant::now() < at => Wait::Until(at),
            Phase::Retrying(..) => {
                self.retry();
                Wait::Until(Instant::now())
            }
            Phase::Over if self.delivery == Delivery::Window => Wait::Command,
            Phase::Over => Wait::Over,
        }
    }

    /// Obeys a command; without one nobody is left who could give any.
    fn receive(&mut self, command: Option<SourceCommand>) {
        match command {
            Some(command) => self.obey(command),
            None => self.stopping = true,
        }
    }

    fn obey(&mut self, command: SourceCommand) {
        match command {
            SourceCommand::Stop => self.stopping = true,
            SourceCommand::Switch(choice) => self.switch(choice),
            SourceCommand::Pause(paused) => self.hold(paused, 0),
            #[cfg(any(feature = "app", test))]
            SourceCommand::Step => self.hold(true, self.steps + 1),
            #[cfg(any(feature = "app", test))]
            SourceCommand::Seek(to) => self.seek(to),
        }
    }

    fn hold(&mut self, paused: bool, steps: u32) {
        (self.paused, self.steps) = (paused, steps);
        if let Phase::Running(running) = &mut self.phase
            && steps > 0
        {
            running.step_on();
        }
        self.outlet.tell(|status| status.paused = paused);
    }

    /// Goes to another picture of the source.
    #[cfg(any(feature = "app", test))]
    fn seek(&mut self, to: u64) {
        let Phase::Running(running) = &mut self.phase else { return };
        if let Err(error) = running.source.seek(to) {
            return self.source_is_over(Over::Error(error));
        }
        running.step_on();
        self.steps = u32::from(self.paused);
    }

    /// Changes the source, or keeps the present one and says why.
    fn switch(&mut self, choice: Option<SourceChoice>) {
        match plan(choice.clone(), self.cameras.as_ref()) {
            Ok(plan) => self.launch(plan, choice),
            Err(error) => self.outlet.tell(|status| status.refusal = Some(error)),
        }
    }

    /// Closes what ran before and starts what was planned for `choice`.
    fn launch(&mut self, plan: StartableSource, choice: Option<SourceChoice>) {
        self.phase = Phase::Over;
        self.pause = FIRST_PAUSE;
        self.outlet.start_over(choice);
        match plan {
            StartableSource::Source(source) => {
                self.outlet.enter(SourceState::Starting { name: source.name() });
                self.phase = Phase::Running(Box::new(Running::new(source)));
            }
            StartableSource::Camera(wanted) => {
                self.outlet.enter(SourceState::Starting { name: wanted.camera.to_string() });
                self.open_camera(wanted);
            }
            StartableSource::StandIn(reason) => self.stand_in(reason),
        }
    }

    /// Runs the demo for want of a camera.
    fn stand_in(&mut self, reason: SourceError) {
        let lookout = Lookout::new(reason, self.cameras.list());
        let demo = Box::new(Rendered::new(DEFAULT_SEED));
        self.phase = Phase::Running(Box::new(Running::stand_in(demo, lookout)));
    }

    fn open_camera(&mut self, wanted: WantedCamera) {
        match self.cameras.open(wanted.camera.clone()) {
            Ok(source) => self.phase = Phase::Running(Box::new(Running::camera(source, wanted))),
            Err(error) => self.camera_failed(wanted, error),
        }
    }

    /// Another camera, the demo, another try later, or the end.
    fn camera_failed(&mut self, mut wanted: WantedCamera, error: SourceError) {
        if wanted.try_another(&error) {
            return self.open_camera(wanted);
        }
        let error = wanted.reason(error);
        if !wanted.delivered && !wanted.named {
            self.stand_in(error);
        } else if wanted.delivered || self.delivery == Delivery::Window {
            let pause = self.pause;
            self.pause = (pause * 2).min(LONGEST_PAUSE);
            self.retry_in(pause, wanted, error);
        } else {
            self.outlet.enter(SourceState::Failed { error });
        }
    }

    fn retry_in(&mut self, pause: Duration, wanted: WantedCamera, error: SourceError) {
        let delivered = wanted.delivered;
        self.phase = Phase::Retrying(wanted, Instant::now() + pause);
        self.outlet.enter(match delivered {
            true => SourceState::Lost { error, retry_in: pause },
            false => SourceState::Waiting { error, retry_in: pause },
        });
    }

    /// Opens the camera again if it is there; looking whether it is costs next to nothing.
    fn retry(&mut self) {
        let Phase::Retrying(mut wanted, _) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        match wanted.find_again(&self.cameras.list()) {
            Ok(()) => self.open_camera(wanted),
            Err(error) => self.retry_in(FIRST_PAUSE, wanted, error),
        }
    }

    /// One frame, where one is due.
    fn beat(&mut self) -> Wait {
        self.look_out();
        let now = Instant::now();
        let Phase::Running(running) = &mut self.phase else { return Wait::Until(now) };
        let held = self.paused && self.steps == 0;
        // A camera has to be emptied even while nobody looks.
        if held && running.camera.is_none() {
            return if running.lookout.is_none() { Wait::Command } else { Wait::Until(now + FIRST_PAUSE) };
        }
        if let Some(due) = running.due(self.delivery).filter(|&due| now < due) {
            return Wait::Until(due);
        }
        match running.next(self.delivery) {
            Ok(Next::Nothing) => {}
            // What comes while nobody looks is thrown away anyhow.
            Ok(Next::LeftOut(..)) if held => {}
            Ok(Next::LeftOut(count, why)) => self.outlet.leave_out(count, running.source.is_files(), &why),
            Ok(Next::Picture(picture, took)) => self.deliver(picture, took, held),
            Err(over) => self.source_is_over(over),
        }
        Wait::Until(now)
    }

    /// Where the demo stands in: changes to a camera that has begun to deliver.
    fn look_out(&mut self) {
        if let Phase::Running(running) = &mut self.phase
            && self.delivery == Delivery::Window
            && let Some(lookout) = &mut running.lookout
            && let Some((wanted, source)) = lookout.look(self.cameras.as_ref())
        {
            **running = Running::camera(source, wanted);
            self.outlet.start_over(None);
        }
    }

    /// Hands the picture on; `held`: throws it away.
    fn deliver(&mut self, picture: Picture, took: Duration, held: bool) {
        let Phase::Running(running) = &mut self.phase else { return };
        if let Some(state) = running.new_state(&picture) {
            self.outlet.enter(state);
        }
        if let Some(camera) = &mut running.camera {
            camera.delivered = true;
            self.pause = FIRST_PAUSE;
        }
        if held {
            return;
        }
        if let position @ Some(_) = running.source.position() {
            self.outlet.at(position);
        }
        self.steps = self.steps.saturating_sub(1);
        let frame = self.outlet.number(picture, took);
        if running.loses_nothing(self.delivery) {
            self.untaken = Some(frame);
        } else {
            self.outlet.offer(frame);
        }
    }

    /// Hands the frame over that must not be lost, where there is one; a change of the source has made it void. Whether none is
    /// left.
    fn hand_over(&mut self) -> bool {
        let frame = self.untaken.take().filter(|frame| frame.source == self.outlet.sources);
        self.untaken = frame.and_then(|frame| match self.outlet.sender.try_send(frame) {
            Err(TrySendError::Full(frame)) => Some(frame),
            _ => None,
        });
        self.untaken.is_none()
    }

    /// Waits until the frame that must not be lost is taken, or a command comes.
    fn wait_for_room(&mut self) {
        let mut either = Select::new();
        either.send(&self.outlet.sender);
        either.recv(&self.orders);
        either.ready();
    }

    fn source_is_over(&mut self, over: Over) {
        let Phase::Running(running) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        let Running { source, camera, pictures: frames, .. } = *running;
        let name = source.name();
        // A camera must be closed before it can be opened again.
        drop(source);
        match (over, camera) {
            (Over::Error(error), Some(wanted)) => self.camera_failed(wanted, error),
            (Over::Error(error), None) if frames == 0 => self.outlet.enter(SourceState::Failed { error }),
            (Over::Error(error), None) => {
                self.outlet.enter(SourceState::Ended { name, frames, error: Some(error) });
            }
            (Over::End, _) => self.outlet.enter(SourceState::Ended { name, frames, error: None }),
        }
    }
}

/// Opens a file, or finds the camera; starts nothing yet.
fn plan(choice: Option<SourceChoice>, cameras: &dyn Cameras) -> Result<StartableSource, SourceError> {
    match choice {
        Some(SourceChoice::Demo { seed }) => Ok(StartableSource::Source(Box::new(Rendered::new(seed)))),
        Some(SourceChoice::File(path)) => Ok(StartableSource::Source(files::open(&path)?)),
        Some(SourceChoice::Camera { index }) => {
            Ok(StartableSource::Camera(WantedCamera::choose(index, true, cameras.list())?))
        }
        None => Ok(WantedCamera::choose(None, false, cameras.list())
            .map_or_else(StartableSource::StandIn, StartableSource::Camera)),
    }
}
