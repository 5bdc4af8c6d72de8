//! The trunk's weights: their published names, shapes and first values, in one order that everything else follows.
//!
//! `H_init` and `L_init` are drawn once and never trained, and so are the other first states where a model has others. The puzzle rows are not here: they are a table
//! of their own, in host memory, of which a step sees only the rows of its batch.

use crate::device::{Compute, Matrix};
use crate::kernels::local::PLACES;
use crate::model::{Config, Latents, Local, Mixer, Nets};
use crate::rng::Stream;

/// How a tensor begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// A normal cut at two standard deviations whose own deviation is this.
    TruncatedNormal(f64),
    /// The same number everywhere.
    Constant(f32),
}

/// A tensor of the trunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Its published name.
    pub name: String,
    /// Its published shape.
    pub shape: Vec<usize>,
    /// Its first values.
    pub init: Init,
    /// False for the first states, which training leaves alone.
    pub trained: bool,
    /// How many products lie in it, one over another and of equally many rows; only of the tensors of a block.
    pub products: Option<usize>,
}

/// The standard deviation of a standard normal cut at two; dividing by it makes the deviation what was asked for.
const CUT_DEVIATION: f64 = 0.879_625_661_034_239_8;

impl Spec {
    fn product(name: String, rows: usize, columns: usize) -> Self {
        let init = Init::TruncatedNormal(1.0 / (columns as f64).sqrt());
        Self { name, shape: vec![rows, columns], init, trained: true, products: None }
    }

    fn in_block(self, products: usize) -> Self {
        Self { products: Some(products), ..self }
    }

    /// The count of numbers.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True of no tensor that a checked configuration has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape as rows and columns; a vector is one row.
    pub fn matrix_shape(&self) -> (usize, usize) {
        match self.shape[..] {
            [rows, columns] => (rows, columns),
            _ => (1, self.len()),
        }
    }

    /// First values, in row order.
    pub fn draw(&self, stream: &mut Stream) -> Vec<f32> {
        match self.init {
            Init::Constant(value) => vec![value; self.len()],
            Init::TruncatedNormal(deviation) => {
                let scale = deviation / CUT_DEVIATION;
                (0..self.len()).map(|_| (stream.truncated_normal() * scale) as f32).collect()
            }
        }
    }
}

/// All tensors of the trunk, in the order of [`Weights::tensors`].
pub fn specs(config: &Config) -> Vec<Spec> {
    let (hidden, vocabulary) = (config.hidden, config.vocabulary);
    let vector = |name: &str, shape, init, trained| Spec { name: name.into(), shape, init, trained, products: None };
    let start = |name: &str| vector(name, vec![hidden], Init::TruncatedNormal(1.0), false);
    let constant = |name: &str, shape, value| vector(name, shape, Init::Constant(value), true);
    let mut specs: Vec<Spec> = inits(config).iter().map(|name| start(name)).collect();
    specs.extend([
        Spec::product("embed_tokens.embedding_weight".into(), vocabulary, hidden),
        Spec::product("lm_head.weight".into(), vocabulary, hidden),
        constant("q_head.weight", vec![2, hidden], 0.0),
        constant("q_head.bias", vec![2], -5.0),
    ]);
    for net in nets(config) {
        (0..config.layers).for_each(|layer| block_specs(config, net, layer, &mut specs));
    }
    specs
}

/// The published names of the nets, that of the answer last.
fn nets(config: &Config) -> &'static [&'static str] {
    match (config.nets, config.latents) {
        (_, Latents::None) => &["H_level"],
        (Nets::Shared, _) => &["L_level"],
        (Nets::Separate, _) => &["L_level", "H_level"],
    }
}

/// The published names of the first values of the states, that of the answer first.
fn inits(config: &Config) -> Vec<String> {
    match config.latents {
        Latents::Two => vec!["H_init".into(), "L_init".into()],
        Latents::Single => vec!["L_init".into()],
        Latents::MultiScale => {
            std::iter::once("H_init".into()).chain((1..=config.l_cycles).map(|i| format!("L{i}_init"))).collect()
        }
        Latents::None => vec!["H_init".into()],
    }
}

fn block_specs(config: &Config, net: &str, layer: usize, specs: &mut Vec<Spec>) {
    let hidden = config.hidden;
    let name = |rest: &str| format!("{net}.layers.{layer}.{rest}.weight");
    match config.local {
        Local::None => {}
        // nine numbers reach one
        Local::Depthwise3x3 => {
            let (shape, init) = (vec![PLACES, hidden], Init::TruncatedNormal(1.0 / 3.0));
            specs.push(Spec { name: name("local"), shape, init, trained: true, products: None });
        }
    }
    match config.mixer {
        Mixer::Attention => {
            specs.push(Spec::product(name("self_attn.qkv_proj"), 3 * hidden, hidden).in_block(3));
            specs.push(Spec::product(name("self_attn.o_proj"), hidden, hidden).in_block(1));
        }
        Mixer::TokenMlp => {
            let (tokens, inner) = (config.board_tokens(), config.inner(config.board_tokens()));
            specs.push(Spec::product(name("mlp_t.gate_up_proj"), 2 * inner, tokens).in_block(2));
            specs.push(Spec::product(name("mlp_t.down_proj"), tokens, inner).in_block(1));
        }
    }
    let inner = config.inner(hidden);
    specs.push(Spec::product(name("mlp.gate_up_proj"), 2 * inner, hidden).in_block(2));
    specs.push(Spec::product(name("mlp.down_proj"), hidden, inner).in_block(1));
}

/// The trunk's tensors on a device.
#[derive(Clone, Debug)]
pub struct Weights<D: Compute> {
    /// For each state what it is at first in every token, `[1, D]`; that of the answer, z_H, comes first.
    pub inits: Vec<Matrix<D>>,
    /// One row per kind of cell, `[V, D]`.
    pub embedding: Matrix<D>,
    /// The output head, `[V, D]`.
    pub head: Matrix<D>,
    /// The halting head, `[2, D]`: row 0 is the halting logit, row 1 that of going on.
    pub halt: Matrix<D>,
    /// Its bias, `[1, 2]`.
    pub halt_bias: Matrix<D>,
    /// The blocks of the net.
    pub blocks: Vec<Block<D>>,
    /// Those of the net of z_H; none where it has no net of its own.
    pub answer_blocks: Vec<Block<D>>,
}

/// The tensors of a block.
#[derive(Clone, Debug)]
pub struct Block<D: Compute> {
    /// The weights of each channel's neighbours, `[9, D]`.
    pub local: Option<Matrix<D>>,
    /// Attention: q, k and v, `[3D, D]`. Token MLP: gate and value along the tokens, `[2I', L]`.
    pub mix_in: Matrix<D>,
    /// Attention: the output product, `[D, D]`. Token MLP: down, `[L, I']`.
    pub mix_out: Matrix<D>,
    /// Gate and value, `[2I, D]`.
    pub gate_up: Matrix<D>,
    /// Down, `[D, I]`.
    pub down: Matrix<D>,
}

impl<D: Compute> Block<D> {
    fn of(has_local: bool, mut next: impl FnMut() -> Matrix<D>) -> Self {
        Self { local: has_local.then(&mut next), mix_in: next(), mix_out: next(), gate_up: next(), down: next() }
    }
}

impl<D: Compute> Weights<D> {
    /// The weights whose values `values` gives for each of [`specs`], in order.
    ///
    /// # Errors
    /// Whatever `values` says.
    pub fn build<E>(
        config: &Config,
        device: &D,
        mut values: impl FnMut(&Spec) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        let mut tensors = Vec::new();
        for spec in specs(config) {
            tensors.push(device.tensor_from_vec(values(&spec)?, spec.matrix_shape()));
        }
        let mut tensors = tensors.into_iter();
        let mut next = || tensors.next().expect("specs list every tensor");
        let has_local = config.local != Local::None;
        Ok(Self {
            inits: inits(config).iter().map(|_| next()).collect(),
            embedding: next(),
            head: next(),
            halt: next(),
            halt_bias: next(),
            blocks: (0..config.layers).map(|_| Block::of(has_local, &mut next)).collect(),
            answer_blocks: (1..nets(config).len())
                .flat_map(|_| 0..config.layers)
                .map(|_| Block::of(has_local, &mut next))
                .collect(),
        })
    }

    /// All tensors in the order of [`specs`].
    pub fn tensors(&self) -> Vec<&Matrix<D>> {
        let head = [&self.embedding, &self.head, &self.halt, &self.halt_bias];
        let blocks =
            self.blocks.iter().chain(&self.answer_blocks).flat_map(|block| {
                block.local.iter().chain([&block.mix_in, &block.mix_out, &block.gate_up, &block.down])
            });
        self.inits.iter().chain(head).chain(blocks).collect()
    }

    /// All tensors in the order of [`specs`], to be changed.
    pub fn tensors_mut(&mut self) -> Vec<&mut Matrix<D>> {
        let head = [&mut self.embedding, &mut self.head, &mut self.halt, &mut self.halt_bias];
        let blocks = self.blocks.iter_mut().chain(&mut self.answer_blocks).flat_map(|block| {
            let rest = [&mut block.mix_in, &mut block.mix_out, &mut block.gate_up, &mut block.down];
            block.local.iter_mut().chain(rest)
        });
        self.inits.iter_mut().chain(head).chain(blocks).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::{Cpu, HasShape};

    #[test]
    fn the_paper_s_model_has_the_published_count() {
        let count: usize = specs(&Config::arc()).iter().map(Spec::len).sum();
        assert_eq!(count, 6_830_082);
    }

    #[test]
    fn variants_have_the_published_names_and_counts() {
        let count = |config: &Config| specs(config).iter().map(Spec::len).sum::<usize>();
        let difference = |config: Config| count(&config) as isize - 6_830_082;
        let arc = Config::arc();
        let net = 6_830_082 - 2 * 512 - 2 * 12 * 512 - 2 * 512 - 2;
        assert_eq!(difference(Config { nets: Nets::Separate, ..arc.clone() }), net);
        assert_eq!(difference(Config { latents: Latents::Single, ..arc.clone() }), -512);
        assert_eq!(difference(Config { latents: Latents::MultiScale, ..arc.clone() }), 3 * 512);
        assert_eq!(difference(Config { latents: Latents::None, ..arc.clone() }), -512);
        let names = |config: Config| specs(&config).into_iter().map(|spec| spec.name).collect::<Vec<_>>();
        let hrm = names(Config { nets: Nets::Separate, ..arc.clone() });
        assert_eq!((&hrm[0][..], &hrm[1][..]), ("H_init", "L_init"));
        assert_eq!(&hrm[6][..], "L_level.layers.0.self_attn.qkv_proj.weight");
        assert_eq!(&hrm[14][..], "H_level.layers.0.self_attn.qkv_proj.weight");
        assert_eq!(
            names(Config { latents: Latents::MultiScale, ..arc.clone() })[..5],
            ["H_init", "L1_init", "L2_init", "L3_init", "L4_init"]
        );
        assert_eq!(names(Config { latents: Latents::Single, ..arc.clone() })[0], "L_init");
        let direct = names(Config { latents: Latents::None, ..arc });
        assert!(direct[0] == "H_init" && direct[5..].iter().all(|name| name.starts_with("H_level.")), "{direct:?}");
    }

    #[test]
    fn tensors_come_in_the_order_of_their_specs() {
        let kinds = [
            (Mixer::Attention, Local::None, Nets::Shared, Latents::Two),
            (Mixer::Attention, Local::Depthwise3x3, Nets::Separate, Latents::MultiScale),
            (Mixer::TokenMlp, Local::None, Nets::Separate, Latents::Two),
            (Mixer::TokenMlp, Local::None, Nets::Shared, Latents::Single),
            (Mixer::Attention, Local::None, Nets::Shared, Latents::None),
        ];
        for (mixer, local, nets, latents) in kinds {
            let sizes = Config { hidden: 8, heads: 2, cells: 4, prefix: 1, puzzle_width: 8, ..Config::arc() };
            let config = Config { mixer, local, nets, latents, ..sizes };
            let mut number = 0.0;
            let build = |spec: &Spec| {
                number += 1.0;
                Ok::<_, ()>(vec![number; spec.len()])
            };
            let mut weights = Weights::build(&config, &Cpu::default(), build).unwrap();
            let expected: Vec<_> = specs(&config).iter().map(Spec::matrix_shape).collect();
            assert_eq!(weights.tensors().iter().map(|tensor| *tensor.shape()).collect::<Vec<_>>(), expected);
            assert!(weights.tensors().iter().enumerate().all(|(i, tensor)| tensor[[0, 0]] == i as f32 + 1.0));
            assert!(weights.tensors_mut().iter().enumerate().all(|(i, tensor)| tensor[[0, 0]] == i as f32 + 1.0));
        }
    }

    #[test]
    fn the_products_of_a_block_are_counted_and_nothing_else_is_one() {
        for (mixer, mixing) in [(Mixer::Attention, 3), (Mixer::TokenMlp, 2)] {
            let specs = specs(&Config { mixer, layers: 2, ..Config::arc() });
            let products: Vec<_> = specs.iter().map(|spec| spec.products).collect();
            let block = [Some(mixing), Some(1), Some(2), Some(1)];
            assert_eq!(products, [[None; 6].as_slice(), &block, &block].concat());
        }
    }

    #[test]
    fn nine_numbers_a_channel_are_more_in_each_block_that_mixes_neighbours() {
        let (plain, local) = (specs(&Config::arc()), specs(&Config { local: Local::Depthwise3x3, ..Config::arc() }));
        assert_eq!(local.len(), plain.len() + 2);
        let more: Vec<&Spec> = local.iter().filter(|spec| !plain.contains(spec)).collect();
        for (layer, spec) in more.iter().enumerate() {
            assert_eq!(spec.name, format!("L_level.layers.{layer}.local.weight"));
            assert_eq!((&spec.shape[..], spec.trained, spec.products), ([9, 512].as_slice(), true, None));
            let values = spec.draw(&mut Stream::new(0, "init"));
            let deviation = (values.iter().map(|x| f64::from(x * x)).sum::<f64>() / values.len() as f64).sqrt();
            assert!((deviation - 1.0 / 3.0).abs() < 0.01, "{deviation}");
        }
        assert_eq!(local[6].name, more[0].name, "it is the first of its block");
    }

    #[test]
    fn first_values_have_the_deviation_that_was_asked_for() {
        let spec = Spec::product("w".into(), 400, 100);
        let values = spec.draw(&mut Stream::new(0, "init"));
        let deviation = (values.iter().map(|x| f64::from(x * x)).sum::<f64>() / values.len() as f64).sqrt();
        assert!((deviation - 0.1).abs() < 2e-3, "{deviation}");
        assert!(values.iter().all(|x| x.abs() <= 0.1 * 2.0 / 0.879));
    }
}
