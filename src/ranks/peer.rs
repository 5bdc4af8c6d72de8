//! `Peer`: who a rank is and where it runs, and the watch over those of the same machine.
//!
//! A message to or from a process that has ended never comes, and MPI does not say so: the launcher does, a moment before it ends
//! all the others. So a thread looks whether the neighbours are still there, and tells who is missed first. Ranks of other machines
//! cannot be seen from here; their neighbours tell, and the launcher.

use std::collections::BTreeMap;
use std::fs;
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often the neighbours are looked at: launchers leave about a second between the first end and all others.
const PERIOD: Duration = Duration::from_millis(50);

/// A process that is a rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Peer {
    /// The machine as people call it.
    pub name: String,
    /// What tells machines, and containers that do not see each other's processes, apart; `None` where there is no /proc.
    place: Option<String>,
    pub process: u32,
    /// When it was started, in the machine's own ticks: a process number is given anew.
    started: Option<u64>,
}

/// A rank of this machine that is there no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its number.
    pub rank: usize,
    /// Its process number.
    pub process: u32,
    /// Its machine.
    pub machine: String,
    /// True on the one rank of the machine that is to say so.
    pub speaks: bool,
}

impl Peer {
    /// This process, on a machine of this name.
    pub fn here(name: String) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let view = fs::read_link("/proc/self/ns/pid").ok();
        let place = boot.zip(view).map(|(boot, view)| format!("{} {}", boot.trim(), view.display()));
        let process = process::id();
        Self { name, place, process, started: started(process) }
    }

    fn sees(&self, other: &Self) -> bool {
        self.place.is_some() && self.place == other.place
    }

    fn has_ended(&self) -> bool {
        self.started.is_some() && started(self.process) != self.started
    }
}

/// When a process was started; `None` when it has ended.
fn started(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before the last parenthesis may hold anything. After it: the state, and as the 20th the time of the start.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let over = ["Z", "X"].contains(fields.first()?);
    if over { None } else { fields.get(19)?.parse().ok() }
}

/// The number of a rank among those of its machine.
pub(super) fn local_rank(peers: &[Peer], rank: usize) -> usize {
    peers[..rank].iter().filter(|peer| peer.name == peers[rank].name).count()
}

/// A thread that looks at the neighbours until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Tells `ended` of the first neighbour of `rank` that is missed.
    pub fn over(peers: &[Peer], rank: usize, ended: impl Fn(Ended) + Send + 'static) -> Self {
        let here = &peers[rank];
        let seen: BTreeMap<usize, Peer> =
            peers.iter().cloned().enumerate().filter(|(number, peer)| *number != rank && here.sees(peer)).collect();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                let missed = |(_, peer): &(&usize, &Peer)| peer.has_ended();
                let Some((&number, peer)) = seen.iter().find(missed) else { continue };
                let speaker =
                    seen.iter().find(|(_, peer)| !peer.has_ended()).map_or(rank, |(&first, _)| first.min(rank));
                let Peer { process, name: machine, .. } = peer.clone();
                ended(Ended { rank: number, process, machine, speaks: speaker == rank });
                return;
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn machines_number_their_own_ranks() {
        let peers = ["a", "b", "a", "a", "b"].map(|name| Peer::here(name.to_owned()));
        let numbers: Vec<usize> = (0..5).map(|rank| local_rank(&peers, rank)).collect();
        assert_eq!(numbers, [0, 0, 1, 2, 1]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_neighbour_that_has_ended_is_missed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let here = Peer::here("here".into());
        assert!(here.place.is_some() && !here.has_ended());
        let other = Peer { process: child.id(), started: started(child.id()), ..here.clone() };
        assert!(!other.has_ended());
        let (tell, told) = mpsc::channel();
        let watch = Watch::over(&[here.clone(), other.clone()], 0, move |ended| tell.send(ended).unwrap());
        assert!(told.recv_timeout(3 * PERIOD).is_err(), "nobody has ended yet");
        child.kill().unwrap();
        let ended = told.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(ended, Ended { rank: 1, process: child.id(), machine: "here".into(), speaks: true });
        child.wait().unwrap();
        assert!(other.has_ended(), "and what is not there at all has ended");
        drop(watch);
        let elsewhere = Peer { place: Some("another machine".into()), ..other };
        let watch = Watch::over(&[here, elsewhere], 0, |ended| panic!("{ended:?} cannot be seen from here"));
        thread::sleep(3 * PERIOD);
        drop(watch);
    }
}
