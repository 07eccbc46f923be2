//! Attributing to a task from what was seen.

use super::Seen;
use crate::attribute::attribution::{AttributeError, Attribution, Selection, concluded, require_finite};
use crate::attribute::measure::{Looks, Scope, Shown};
use crate::attribute::relevance::accumulate;
use crate::method::{Formulation, Measure};
use crate::model::Model;
use crate::observe::{Observations, Statistics};
use std::ops::Range;

impl Seen {
    /// The images that speak for `task`. For a task of one category up to `contrast` times as many of other categories, evenly of
    /// all of them.
    ///
    /// # Errors
    /// [`AttributeError::NotSeen`] for a category of which nothing was seen.
    pub fn selection(&self, model: &Model, task: &[usize], contrast: usize) -> Result<Selection, AttributeError> {
        let images = |rows: Range<usize>| self.images[rows].iter().map(|one| one.image).collect::<Vec<_>>();
        let of = |&category: &usize| Ok((category, images(self.rows(model, category)?)));
        let categories = task.iter().map(of).collect::<Result<Vec<_>, AttributeError>>()?;
        let mut chosen: Vec<usize> = self.contrast(task, contrast).map(|row| self.images[row].image).collect();
        chosen.sort_unstable();
        Ok(Selection { categories, contrast: chosen })
    }

    /// The rows of other categories that a task of one category is told from.
    fn contrast(&self, task: &[usize], contrast: usize) -> impl Iterator<Item = usize> + '_ {
        let only = <[usize; 1]>::try_from(task).ok().map(|[only]| only);
        let own = self.images.iter().filter(|one| Some(one.category) == only).count();
        let mut turns: Vec<(usize, usize)> = Vec::new();
        let mut before = None;
        for (row, one) in
            self.images.iter().enumerate().filter(|(_, one)| only.is_some_and(|only| one.category != only))
        {
            let turn = match before {
                Some((category, turn)) if category == one.category => turn + 1,
                _ => 0,
            };
            before = Some((one.category, turn));
            turns.push((turn, row));
        }
        turns.sort_unstable();
        turns.truncate(contrast * own);
        turns.sort_unstable_by_key(|&(_, row)| row);
        turns.into_iter().map(|(_, row)| row)
    }

    /// Where the images of a category are.
    fn rows(&self, model: &Model, category: usize) -> Result<Range<usize>, AttributeError> {
        let start = self.images.partition_point(|one| one.category < category);
        let end = self.images.partition_point(|one| one.category <= category);
        if start < end {
            return Ok(start..end);
        }
        let count = model.categories().len();
        let name = |category: usize| model.categories().get(category).cloned();
        let Some(name_of_it) = name(category) else {
            return Err(AttributeError::CategoryOutOfRange { category, count });
        };
        let seen: Vec<String> = self.categories().into_iter().filter_map(name).collect();
        Err(AttributeError::NotSeen { what: "no image of the category", name: name_of_it, seen: seen.join(", ") })
    }

    /// As [`crate::attribute::attribute`] on the images of [`Seen::selection`], of which nothing is run again. An observation takes at most
    /// `most_rows` rows of what the kernels of a layer see, spread evenly over the images.
    ///
    /// # Errors
    /// [`AttributeError`] for a category or a measure of which nothing was seen, and where the source overflowed.
    pub fn attribute(
        &self,
        model: &Model,
        task: &[usize],
        formulation: &Formulation,
        contrast: usize,
        most_rows: usize,
    ) -> Result<Attribution, AttributeError> {
        formulation.check()?;
        let measuring = formulation.measure.measuring();
        let rows = task.iter().map(|&category| self.rows(model, category)).collect::<Result<Vec<_>, _>>()?;
        let images_per_category = rows.iter().map(Range::len).max().unwrap_or(0);
        let observed = |rows: &[Range<usize>]| self.observed(model, formulation.measure, rows, most_rows);
        let (categories, statistics) = match measuring.scope() {
            Scope::Task => {
                let all: Vec<Range<usize>> = rows.into_iter().chain(self.contrasted(task, contrast)).collect();
                concluded(model, formulation, observed(&all)?, task)?
            }
            Scope::Category => {
                let of = |(&category, rows): (&usize, Range<usize>)| {
                    let observations = observed(&[rows])?;
                    require_finite(model, &observations)?;
                    Ok((category, accumulate(model, formulation, &observations, &[category])))
                };
                (task.iter().zip(rows).map(of).collect::<Result<Vec<_>, AttributeError>>()?, None)
            }
        };
        Ok(Attribution { formulation: formulation.clone(), categories, images_per_category, statistics })
    }

    /// As [`crate::attribute::statistics`] on the images of [`Seen::selection`], likewise.
    ///
    /// # Errors
    /// [`AttributeError`] for a category of which nothing was seen, where OBS saw nothing, and where the source overflowed.
    pub fn statistics(
        &self,
        model: &Model,
        task: &[usize],
        contrast: usize,
        most_rows: usize,
    ) -> Result<Statistics, AttributeError> {
        let rows = task.iter().map(|&category| self.rows(model, category)).collect::<Result<Vec<_>, _>>()?;
        let all: Vec<Range<usize>> = rows.into_iter().chain(self.contrasted(task, contrast)).collect();
        let observations = self.observed(model, Measure::Obs, &all, most_rows)?;
        require_finite(model, &observations)?;
        Ok(observations.into_statistics())
    }

    fn contrasted(&self, task: &[usize], contrast: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        self.contrast(task, contrast).map(|row| row..row + 1)
    }

    /// What a measure knows from the images in `rows`.
    fn observed(
        &self,
        model: &Model,
        measure: Measure,
        rows: &[Range<usize>],
        most_rows: usize,
    ) -> Result<Observations, AttributeError> {
        let measuring = measure.measuring();
        let none = Looks::new();
        let looks = match self.looks.get(measure.name()) {
            Some(looks) => looks,
            None if measuring.probes(model.graph()).is_empty() => &none,
            None => {
                let (name, seen) =
                    (measure.name().to_owned(), self.looks.keys().cloned().collect::<Vec<_>>().join(", "));
                return Err(AttributeError::NotSeen { what: "nothing of the measure", name, seen });
            }
        };
        let images: usize = rows.iter().map(Range::len).sum();
        let (mut seen, mut before) = (measuring.start(model), 0);
        for rows in rows.iter().filter(|_| !looks.is_empty()) {
            let indices: Vec<usize> = self.images[rows.clone()].iter().map(|one| one.image).collect();
            let positions = before..before + rows.len();
            before = positions.end;
            let (rows, indices) = (rows.clone(), &indices[..]);
            measuring.take_up(&Shown { model, looks, rows, images, positions, indices, most_rows }, &mut seen);
        }
        measuring.finish(&mut seen);
        Ok(seen)
    }
}
