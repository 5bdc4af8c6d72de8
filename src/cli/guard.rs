//! Last catch: what panics, in any thread, ends in one error line and the exit code of an error. On a device of its own dfdx and our operations
//! panic where it has no memory left or a kernel faults; to a user that is one error like any other. Anything else is a bug.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{CliError, Exit, cut, talk};
use crate::device::DeviceChoice;

/// True from the first panic on; the others say nothing.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// True while the work is on a device of its own.
static ON_DEVICE: AtomicBool = AtomicBool::new(false);

/// Does the whole work of the program. A panic unwinds, so that temporary files are removed, and ends with [`Exit::Usage`].
pub fn caught(work: impl FnOnce() -> Exit) -> Exit {
    // The line is written by the hook and not after it: a fault of a device lets the release of its memory fail too, which ends the
    // process.
    panic::set_hook(Box::new(say));
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(exit) if !PANICKED.load(Ordering::SeqCst) => exit,
        _ => Exit::Usage,
    }
}

/// Does the work of a command on a device. What panics on one of its own is the device's fault; what was saved before still stands.
pub fn guarded(device: DeviceChoice, work: impl FnOnce() -> Result<Exit, CliError>) -> Result<Exit, CliError> {
    if device == DeviceChoice::Cpu {
        return work();
    }
    ON_DEVICE.store(true, Ordering::SeqCst);
    let ended = panic::catch_unwind(AssertUnwindSafe(work));
    ON_DEVICE.store(false, Ordering::SeqCst);
    ended.unwrap_or(Ok(Exit::Usage))
}

fn say(fault: &PanicHookInfo<'_>) {
    let text = text_of(fault.payload());
    if !PANICKED.swap(true, Ordering::SeqCst) {
        let place = fault.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        let line = match ON_DEVICE.load(Ordering::SeqCst) {
            true => of_device(&text),
            false => of_bug(&text, &place),
        };
        talk(format_args!("error: {}", cut(&line)));
    }
    // The standard library would abort the process after such a panic, with a trace of the calls and no exit code.
    if text.contains("cannot unwind") || text.contains("destructor during cleanup") {
        process::exit(Exit::Usage.code().into());
    }
}

/// A panic's message in one line.
fn text_of(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no reason is given").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_bug(text: &str, place: &str) -> String {
    let program = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    format!(
        "this is a bug in {program}: {text}{place}; hint: report it, with the command and this line, in the issue tracker of the project's \
         repository"
    )
}

fn of_device(text: &str) -> String {
    match text.contains("OUT_OF_MEMORY") {
        true => "the device has no memory left; hint: take fewer tokens at a time (--tokens-per-batch), of bench a smaller --batch".into(),
        false => format!("the device failed: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::path::Path;
    use std::process::Command;
    use std::thread;

    use super::*;
    use crate::files::Sink;

    /// Panics in this way.
    const HOW: &str = "TRM_ARC_TEST_PANIC";

    struct PanicsToo;

    impl Drop for PanicsToo {
        fn drop(&mut self) {
            panic!("a second one");
        }
    }

    /// Ends this process as the program ends when its work panics; of the test that starts it, and nothing where nobody starts it.
    #[test]
    fn ends_as_the_program_does() {
        let Ok(how) = env::var(HOW) else { return };
        let exit = caught(|| {
            let _half = Sink::create(Path::new("half")).unwrap();
            match how.as_str() {
                "here" => panic!("on\n two lines"),
                "pool" => drop(rayon::join(|| panic!("in a pool"), || panic!("in a pool"))),
                "thread" => drop(thread::spawn(|| panic!("in a thread")).join()),
                "cleanup" => {
                    let _too = PanicsToo;
                    panic!("the first one");
                }
                "device" => drop(guarded(DeviceChoice::Cuda(0), || panic!("a kernel: an illegal access"))),
                _ => {}
            }
            Exit::Done
        });
        process::exit(exit.code().into());
    }

    #[test]
    fn a_panic_in_any_thread_is_one_line_with_exit_2_and_leaves_no_temporary_file() {
        let name = "cli::guard::tests::ends_as_the_program_does";
        let cases = [
            ("here", "this is a bug in trm-arc"),
            ("here", ": on two lines (src/cli/guard.rs:"),
            ("here", "issue tracker of the project's repository"),
            ("pool", "in a pool"),
            ("thread", "in a thread"),
            ("cleanup", "the first one"),
            ("device", "error: the device failed: a kernel: an illegal access"),
            ("not", ""),
        ];
        for (how, said) in cases {
            let folder = tempfile::tempdir().unwrap();
            let mut program = Command::new(env::current_exe().unwrap());
            program.args(["--exact", name, "--nocapture"]).env(HOW, how).current_dir(folder.path());
            let ended = program.output().unwrap();
            let stderr = String::from_utf8(ended.stderr).unwrap();
            let expected = if how == "not" { (0, 0) } else { (2, 1) };
            assert_eq!((ended.status.code().unwrap(), stderr.lines().count()), expected, "{how}: {stderr}");
            assert!(stderr.contains(said), "{how}: {stderr}");
            let left = folder.path().read_dir().unwrap().count();
            assert!(left == 0 || how == "cleanup", "{how}: {left} files are left");
        }
    }

    #[test]
    fn a_device_without_memory_is_said_in_words() {
        let memory: Box<dyn Any> = Box::new("DriverError(CUDA_ERROR_OUT_OF_MEMORY)".to_owned());
        assert!(of_device(&text_of(&*memory)).contains("fewer tokens"));
    }
}
