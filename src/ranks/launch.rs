//! `Launch`: what a launcher says in the environment of the processes that it starts together.

use std::env;

/// The variables in which launchers say how many processes they have started, and which of them this one is. `SLURM_NTASKS` is not
/// among them: a batch script has it too, and what that starts by itself is one process.
const VARIABLES: [(&str, &str); 4] = [
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
];

/// Several processes that were started together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The variable that says so.
    pub variable: &'static str,
    /// How many.
    pub count: usize,
    /// Which of them this one is.
    pub rank: usize,
}

impl Launch {
    /// What the launcher of this process says; `None` when nobody has started it together with others.
    pub fn found() -> Option<Self> {
        Self::find(|name| env::var(name).ok())
    }

    fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| variable(name)?.parse::<usize>().ok();
        // The first one decides: mpirun inside a task of srun's says 1 where srun says more.
        let (name, rank, count) = VARIABLES.into_iter().find_map(|(name, rank)| Some((name, rank, number(name)?)))?;
        (count > 1).then(|| Self { variable: name, count, rank: number(rank).unwrap_or(0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<Launch> {
        Launch::find(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn launchers_are_known_by_their_variables() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("OMPI_COMM_WORLD_SIZE", "1"), ("SLURM_STEP_NUM_TASKS", "4")]), None);
        assert_eq!(found(&[("SLURM_NTASKS", "4")]), None, "a batch script is one process");
        assert_eq!(found(&[("PMI_SIZE", "many")]), None);
        let launch = found(&[("OMPI_COMM_WORLD_SIZE", "2"), ("OMPI_COMM_WORLD_RANK", "1")]);
        assert_eq!(launch, Some(Launch { variable: "OMPI_COMM_WORLD_SIZE", count: 2, rank: 1 }));
        let launch = found(&[("SLURM_STEP_NUM_TASKS", "8"), ("SLURM_PROCID", "7")]);
        assert_eq!(launch, Some(Launch { variable: "SLURM_STEP_NUM_TASKS", count: 8, rank: 7 }));
    }
}
