//! The promise: every augmentation can be undone, and its printed name says all about it.

use trm_arc::augment::{Augmentation, ColourMap, Dihedral};
use trm_arc::grid::Grid;
use trm_arc::rng::Stream;
use trm_arc::task;

fn grid() -> Grid {
    // 0 1 2
    // 3 4 5
    Grid::from_fn(2, 3, |r, c| (3 * r + c) as u8)
}

#[test]
fn each_dihedral_map_is_the_published_one() {
    // By hand, from numpy's rot90, fliplr, flipud and transpose of [[0, 1, 2], [3, 4, 5]].
    let expected =
        ["012\n345", "25\n14\n03", "543\n210", "30\n41\n52", "210\n543", "345\n012", "03\n14\n25", "52\n41\n30"];
    for (map, expected) in Dihedral::ALL.into_iter().zip(expected) {
        assert_eq!(map.apply(&grid()).to_string().replace('.', "0"), expected, "{map:?}");
    }
}

#[test]
fn undoing_an_augmentation_gives_every_grid_back() {
    let mut stream = Stream::new(1, "test");
    for task in &task::load("arc-agi-2/evaluation").unwrap().tasks {
        for dihedral in Dihedral::ALL {
            let mut map: [u8; 10] = std::array::from_fn(|colour| colour as u8);
            stream.shuffle(&mut map);
            let augmentation = Augmentation { dihedral, colours: ColourMap::new(map).unwrap() };
            for grid in task.shown_grids() {
                assert_eq!(&augmentation.undo(&augmentation.apply(grid)), grid, "{augmentation}");
            }
        }
    }
}

#[test]
fn colours_are_permuted_before_the_grid_is_turned() {
    let augmentation: Augmentation = "t1|||0213456789".parse().unwrap();
    assert_eq!(augmentation.apply(&grid()).to_string(), "15\n24\n.3");
}

#[test]
fn a_name_parses_to_what_printed_it() {
    let mut stream = Stream::new(2, "test");
    for id in 0..8 {
        let mut map: [u8; 10] = std::array::from_fn(|colour| colour as u8);
        stream.shuffle(&mut map);
        let dihedral = Dihedral::from_id(id).unwrap();
        let augmentation = Augmentation { dihedral, colours: ColourMap::new(map).unwrap() };
        assert_eq!(augmentation.to_string().parse::<Augmentation>().unwrap(), augmentation);
        let name = augmentation.variant_name("007bbfb7");
        assert_eq!(Augmentation::parse_variant(&name).unwrap(), ("007bbfb7", augmentation));
    }
    assert_eq!(Augmentation::IDENTITY.variant_name("007bbfb7"), "007bbfb7");
    assert_eq!(Augmentation::parse_variant("007bbfb7").unwrap().1, Augmentation::IDENTITY);
}

#[test]
fn a_wrong_name_says_what_is_wrong_with_it() {
    let fault = |name: &str| name.parse::<Augmentation>().unwrap_err().to_string();
    assert!(fault("t8|||0123456789").contains("t0 to t7"));
    assert!(fault("t1|||0123456788").contains("each once"));
    assert!(fault("t1|||012345678").contains("each once"));
    assert!(fault("t1|||01234567x9").contains("each once"));
    assert!(fault("t1").contains("|||"));
}
