//! The promise: every command explains itself. Help, completions and manual come from the same definitions, so that none is forgotten.

mod program;

use std::fs;
use std::process::{Command as Process, Stdio};

use program::{Program, assert_refused, names_in};

/// Every command by its words, found from help to help.
fn commands(program: &Program) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = found.get(next).cloned() {
        let help = help(program, &command);
        let listed = help.split_once("Commands:\n").map_or("", |(_, after)| after);
        let names = listed.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
        for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
            found.push([&command[..], &[name.to_owned()]].concat());
        }
        next += 1;
    }
    assert!(found.len() > 20, "only {found:?} were found: is the test blind?");
    found
}

fn help(program: &Program, command: &[String]) -> String {
    let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let ended = program.run(&words);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command:?}");
    ended.stdout
}

/// The long options of a help.
fn options(help: &str) -> Vec<String> {
    let words = help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(',').to_owned()).collect()
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let program = Program::new();
    for command in commands(&program) {
        let text = help(&program, &command);
        let call = format!("  trm-arc {}", command.join(" "));
        assert!(text.contains("Example") && text.contains(call.trim_end()), "{text}");
        assert!(text.starts_with(char::is_uppercase), "{command:?} has no about line");
    }
}

#[test]
fn there_are_completions_for_every_shell() {
    let program = Program::new();
    for (shell, mark) in [
        ("bash", "COMPREPLY"),
        ("zsh", "#compdef trm-arc"),
        ("fish", "complete -c trm-arc"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ended = program.run(&["completions", shell]);
        assert!(ended.code == 0 && ended.stderr.is_empty(), "{shell}: {}", ended.stderr);
        for word in [mark, "leaks", "up-to-symmetry", "completions"] {
            assert!(ended.stdout.contains(word), "no {word} for {shell}");
        }
    }
    let unknown = program.run(&["completions", "bsh"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("'bash'"), "{}", unknown.stderr);
}

#[test]
fn bash_offers_commands_and_flags() {
    if Process::new("bash").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no bash here");
        return;
    }
    let program = Program::new();
    program.write("completions.bash", &program.run(&["completions", "bash"]).stdout);
    assert!(Process::new("bash").arg("-n").arg(program.path("completions.bash")).status().unwrap().success());
    let offered = |words: &[&str]| {
        let last = words.len() - 1;
        let script = format!(
            "source completions.bash; COMP_WORDS=({}); COMP_CWORD={last}; set -- $(complete -p trm-arc); \
             ${{@: -2:1}} trm-arc '{}' '{}'; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words[last],
            words[last - 1],
        );
        let output = Process::new("bash").args(["-c", &script]).current_dir(program.0.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(offered(&["trm-arc", "lea"]), "leaks");
    assert_eq!(offered(&["trm-arc", "leaks", "--up"]), "--up-to-symmetry");
}

#[test]
fn the_manual_has_a_page_for_every_command_with_all_its_options() {
    let program = Program::new();
    let ended = program.run(&["man", "--output", "manual/man1"]);
    let commands = commands(&program);
    assert_eq!(ended.stdout, format!("manual/man1, {} pages\n", commands.len()));
    assert_eq!(names_in(&program.0.path().join("manual/man1")).len(), commands.len());
    for command in &commands {
        let name = [&["trm-arc".to_owned()], &command[..]].concat().join("-");
        let page = fs::read_to_string(program.path(&format!("manual/man1/{name}.1"))).unwrap().replace("\\-", "-");
        let text = help(&program, command);
        let explained = page.split_once(".SH OPTIONS").unwrap().1;
        for part in options(&text).iter().map(String::as_str).chain([".SH EXAMPLES", "trm-arc "]) {
            assert!(explained.contains(part), "the page of {name} lacks {part}");
        }
    }
    let main = program.run(&["man"]).stdout;
    assert_eq!(main, fs::read_to_string(program.path("manual/man1/trm-arc.1")).unwrap());
    for command in commands.iter().filter(|command| command.len() == 1) {
        assert!(main.replace("\\-", "-").contains(&format!("trm-arc-{}(1)", command[0])), "{command:?}");
    }
    program.write("taken", "");
    assert_refused(&program.run(&["man", "--output", "taken"]), &["taken", "a file stands where a folder is needed"]);
}

#[test]
fn the_pages_are_set_without_a_warning() {
    if Process::new("groff").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no groff here");
        return;
    }
    let program = Program::new();
    program.run(&["man", "--output", "pages"]);
    for name in names_in(&program.0.path().join("pages")) {
        let page = program.path(&format!("pages/{name}"));
        let output = Process::new("groff").args(["-man", "-ww", "-Tascii", "-P-cbou"]).arg(page).output().unwrap();
        let (text, warnings) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && warnings.is_empty(), "{name}: {warnings}");
        assert!(text.contains("EXAMPLE") && text.contains("trm-arc"), "{name}: {text}");
    }
}
