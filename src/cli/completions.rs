//! `trm-arc completions`: what a shell needs to complete commands, flags and their values.

use clap::Args;
use clap_complete::Shell;

use super::{CliError, Exit, definitions, print};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc completions bash > ~/.local/share/bash-completion/completions/trm-arc
  trm-arc completions zsh > ~/.zfunc/_trm-arc                 with ~/.zfunc in fpath
  trm-arc completions fish > ~/.config/fish/completions/trm-arc.fish")]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let (mut command, mut text) = (definitions(), Vec::new());
    let name = command.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut command, &name, &mut text);
    let text = String::from_utf8(text).expect("the help is UTF-8");
    print(&if arguments.shell == Shell::Bash { with_one_name(&text, &name) } else { text })?;
    Ok(Exit::Done)
}

/// The hyphen of a program's name is written in two ways in bash's states, so that no flag below a command would be offered
/// (<https://github.com/clap-rs/clap/issues/6421>). This makes it one; it changes nothing once that is mended.
fn with_one_name(script: &str, name: &str) -> String {
    script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"))
}
