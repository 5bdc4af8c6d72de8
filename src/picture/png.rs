//! A [`Scene`] as PNG: a byte a pixel, the place of its colour in the file's own palette.
//!
//! Letters are those of a small bitmap font; what it does not have is drawn as a question mark.

use embedded_graphics::Drawable;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_7X13, FONT_7X13_BOLD, FONT_9X15_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{DrawTarget, Pixel};
use embedded_graphics::text::Text;

use super::palette::{Colour, GRID_LINE, GROUND, colour_of};
use super::scene::{Board, Caption, Font, Scene, Stroke};

impl Scene<'_> {
    /// The file's bytes.
    pub fn to_png(&self) -> Vec<u8> {
        let mut canvas = Canvas::new(self.width, self.height);
        self.boards.iter().for_each(|board| canvas.board(board));
        self.strokes.iter().for_each(|stroke| canvas.stroke(stroke));
        self.captions.iter().for_each(|caption| canvas.caption(caption));
        canvas.to_png()
    }
}

/// Pixels, row by row.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    /// The colours so far; a pixel is a place among them.
    colours: Vec<Colour>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height], colours: vec![GROUND] }
    }

    fn place(&mut self, colour: Colour) -> u8 {
        let known = self.colours.iter().position(|known| *known == colour);
        known.unwrap_or_else(|| {
            self.colours.push(colour);
            self.colours.len() - 1
        }) as u8
    }

    fn fill(&mut self, colour: Colour, [left, top, width, height]: [usize; 4]) {
        let place = self.place(colour);
        for row in top..top + height {
            self.pixels[row * self.width..][left..left + width].fill(place);
        }
    }

    fn board(&mut self, Board { at: (left, top), cell, grid, .. }: &Board) {
        self.fill(GRID_LINE, [*left, *top, grid.columns() * cell + 1, grid.rows() * cell + 1]);
        for (row, cells) in grid.iter_rows().enumerate() {
            for (column, &value) in cells.iter().enumerate() {
                let at = (left + column * cell + 1, top + row * cell + 1);
                self.fill(colour_of(value), [at.0, at.1, cell - 1, cell - 1]);
            }
        }
    }

    /// A square of two pixels a side, drawn along each line.
    fn stroke(&mut self, stroke: &Stroke) {
        for &[from, to] in &stroke.lines {
            let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1));
            let along = |from: usize, to: usize, step: usize| match to.cmp(&from) {
                std::cmp::Ordering::Less => from - step,
                std::cmp::Ordering::Equal => from,
                std::cmp::Ordering::Greater => from + step,
            };
            for step in 0..=steps {
                let (x, y) = (along(from.0, to.0, step), along(from.1, to.1, step));
                self.fill(stroke.colour, [x - 1, y - 1, 2, 2]);
            }
        }
    }

    fn caption(&mut self, caption: &Caption) {
        let font: &MonoFont = match caption.font {
            Font::Title => &FONT_9X15_BOLD,
            Font::Heading => &FONT_7X13_BOLD,
            Font::Plain => &FONT_7X13,
        };
        let place = self.place(caption.colour);
        let at = Point::new(caption.at.0 as i32, caption.at.1 as i32);
        let text = Text::new(&caption.text, at, MonoTextStyle::new(font, BinaryColor::On));
        let Ok(_) = text.draw(&mut Letters { canvas: self, place });
    }

    fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let side = |side: usize| u32::try_from(side).expect("a page has fewer pixels a side");
        let mut encoder = ::png::Encoder::new(&mut bytes, side(self.width), side(self.height));
        encoder.set_color(::png::ColorType::Indexed);
        encoder.set_depth(::png::BitDepth::Eight);
        encoder.set_palette(self.colours.iter().flat_map(|colour| [colour.0, colour.1, colour.2]).collect::<Vec<u8>>());
        let mut writer = encoder.write_header().expect("a vector takes all bytes");
        writer.write_image_data(&self.pixels).expect("there are as many pixels as the header says");
        writer.finish().expect("a vector takes all bytes");
        bytes
    }
}

/// The canvas as what letters of one colour are drawn on.
struct Letters<'a> {
    canvas: &'a mut Canvas,
    place: u8,
}

impl OriginDimensions for Letters<'_> {
    fn size(&self) -> Size {
        Size::new(self.canvas.width as u32, self.canvas.height as u32)
    }
}

impl DrawTarget for Letters<'_> {
    type Color = BinaryColor;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(Point { x, y }, _) in pixels {
            let (x, y) = (x as usize, y as usize);
            if x < self.canvas.width && y < self.canvas.height {
                self.canvas.pixels[y * self.canvas.width + x] = self.place;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Cursor;

    use super::super::Shown;
    use super::super::figure::Figure;
    use super::super::palette::TEXT;
    use super::super::testing::{borrowed, grid, made_up, shipped, solved};
    use super::*;

    /// The picture as another reader sees it: its width, and the colours row by row.
    fn decoded(bytes: &[u8]) -> (usize, Vec<Colour>) {
        let mut decoder = ::png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(::png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.color_type, ::png::ColorType::Rgb);
        (info.width as usize, pixels.chunks(3).map(|pixel| Colour(pixel[0], pixel[1], pixel[2])).collect())
    }

    #[test]
    fn every_cell_of_a_shipped_set_has_its_colour_and_those_that_differ_a_mark_in_the_middle() {
        let mut marks = 0;
        for task in shipped().into_iter().step_by(20) {
            let attempts = made_up(&task);
            let answers = Some(attempts.iter().map(borrowed).collect());
            let shown = [Shown { title: task.id.clone(), task: &task, answers }];
            let scene = Scene::of(&shown);
            let (width, pixels) = decoded(&scene.to_png());
            assert_eq!((width, pixels.len()), (scene.width, scene.width * scene.height));
            let figures = [Figure::demonstrations(&shown[0]), Figure::tests(&shown[0])];
            let panels: Vec<_> = figures.iter().flatten().flat_map(|figure| &figure.panels).collect();
            assert_eq!(panels.len(), scene.boards.len());
            for (panel, board) in panels.into_iter().zip(&scene.boards) {
                let wrong: HashSet<(usize, usize)> = panel.wrong_cells().collect();
                marks += wrong.len();
                for (row, column) in
                    (0..board.grid.rows()).flat_map(|row| (0..board.grid.columns()).map(move |c| (row, c)))
                {
                    let pixel = |x: usize, y: usize| {
                        let (x, y) = (board.at.0 + column * board.cell + x, board.at.1 + row * board.cell + y);
                        pixels[y * width + x]
                    };
                    let colour = colour_of(board.grid.at(row, column));
                    let is_wrong = wrong.contains(&(row, column));
                    let ink = if is_wrong { colour.contrasting() } else { colour };
                    let middle = board.cell / 2;
                    assert_eq!((pixel(0, middle), pixel(middle, 0)), (GRID_LINE, GRID_LINE));
                    assert_eq!(
                        (pixel(middle, middle), pixel(1, 1), pixel(4, middle)),
                        (ink, ink, colour),
                        "{}",
                        task.id
                    );
                }
            }
        }
        assert!(marks > 1000, "only {marks}");
    }

    #[test]
    fn captions_can_be_seen_and_a_letter_that_the_font_lacks_is_a_question_mark() {
        let task = solved(&grid(&["1"]));
        let picture = |title: &str| {
            decoded(&Scene::of(&[Shown { title: title.to_owned(), task: &task, answers: None }]).to_png()).1
        };
        let ink = |title: &str| picture(title).iter().filter(|colour| **colour == TEXT).count();
        assert!(ink("task a") > ink(""));
        assert_eq!(picture("\u{4e00}"), picture("?"));
    }
}
