//! `trm-arc man`: the manual, from the same definitions as the help.
//!
//! What stands below a command's help becomes the sections EXAMPLES and NOTES: indented lines stay as they are, the others are filled.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{CliError, Exit, counted, definitions, print};
use crate::files::{self, Output};

/// Print the manual page, or write a page per command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc man | man -l -
  trm-arc man --output ~/.local/share/man/man1        then: man trm-arc-solve")]
pub struct Arguments {
    /// The folder that a page per command goes to, the main page among them
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Prints or writes the manual.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let mut command = definitions().disable_help_subcommand(true);
    // Gives every command its full name and the options from above, as parsing does.
    command.build();
    match &arguments.output {
        None => print(&page(&command)?)?,
        Some(folder) => {
            let pages = pages(&command, folder)?;
            let outputs: Vec<Output<'_>> = pages.iter().map(|(file, _)| Output::File(file)).collect();
            let _claim = files::claim(&[], &outputs)?;
            pages.iter().try_for_each(|(file, page)| files::write(file, page.as_bytes()))?;
            print(&format!("{}, {}\n", folder.display(), counted(pages.len(), "page")))?;
        }
    }
    Ok(Exit::Done)
}

/// Returns the pages of a command and of the commands below it, each with its file in the folder.
fn pages(command: &Command, folder: &Path) -> Result<Vec<(PathBuf, String)>, CliError> {
    let mut all = vec![(folder.join(Man::new(command.clone()).get_filename()), page(command)?)];
    for below in command.get_subcommands() {
        all.extend(pages(below, folder)?);
    }
    Ok(all)
}

fn page(command: &Command) -> Result<String, CliError> {
    let source = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let (man, mut text) = (Man::new(command.clone()).source(source), Vec::new());
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(help) = command.get_after_help() {
        below_the_help(&help.to_string()).to_writer(&mut text)?;
    }
    Ok(String::from_utf8(text).expect("the help is UTF-8"))
}

fn below_the_help(help: &str) -> Roff {
    let (examples, notes) = help.split_once("\n\n").unwrap_or((help, ""));
    let mut roff = Roff::new();
    for (heading, lines) in
        [("EXAMPLES", examples), ("NOTES", notes)].into_iter().filter(|(_, lines)| !lines.is_empty())
    {
        roff.control("SH", [heading]);
        for line in lines.lines().filter(|line| !line.starts_with("Example")) {
            match line {
                "" => roff.control("PP", []),
                _ if line.starts_with(' ') => roff.control("nf", []).text([roman(line)]).control("fi", []),
                _ => roff.text([roman(line)]),
            };
        }
    }
    roff
}
