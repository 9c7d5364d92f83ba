//! From the sums of a classifier's rows to logits, one a class.

/// What a classifier's rows are worth, and whose they are.
///
/// A row is one binary filter. Most networks have one a class; where a class has several, the largest counts. A row may also belong to
/// no class: it tells what else a picture shows, and [`KnownScore`](super::KnownScore) reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    scales: Vec<f32>,
    /// The class of each row; `None` for one of no class.
    owners: Vec<Option<usize>>,
    classes: usize,
}

/// What a classifier says of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Logits {
    /// One a class, in the order of the labels.
    pub(crate) classes: Vec<f32>,
    /// One a row of no class, in the order of the rows.
    pub(crate) others: Vec<f32>,
}

impl Logits {
    /// Bytes of all of it.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.classes.as_slice()) + size_of_val(self.others.as_slice())
    }
}

impl Readout {
    /// `scales` has α · 2/3 a row: what one unit of the integer sum is worth; `owners` the class of each row.
    ///
    /// # Errors
    /// A sentence, where a scale is missing, not finite or a million and more, or a class has no row.
    pub(super) fn new(scales: Vec<f32>, owners: Vec<Option<usize>>) -> Result<Self, String> {
        if scales.len() != owners.len() || !scales.iter().all(|s| s.is_finite() && s.abs() < 1e6) {
            return Err(format!("{} scales are needed, one a row, finite and below 1e6", owners.len()));
        }
        let mut owned = vec![false; owners.len()];
        for &class in owners.iter().flatten() {
            *owned
                .get_mut(class)
                .ok_or_else(|| format!("a row is said to be of class {class}, and there are fewer"))? = true;
        }
        let classes = owned.iter().take_while(|owned| **owned).count();
        match owned.iter().skip(classes).any(|owned| *owned) {
            true => Err(format!("no row is said to be of class {classes}, and some are of later ones")),
            false if classes == 0 => Err("no row is said to be of a class".into()),
            false => Ok(Self { scales, owners, classes }),
        }
    }

    /// What one unit of a row's integer sum is worth.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The class of each row; `None` for one of no class.
    pub(crate) fn owners(&self) -> &[Option<usize>] {
        &self.owners
    }

    /// Classes.
    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    /// Rows that are of no class.
    pub(crate) fn others(&self) -> usize {
        self.owners.iter().filter(|owner| owner.is_none()).count()
    }

    /// Whether every class has one row, in the order of the labels, and there are no others.
    pub(super) fn is_plain(&self) -> bool {
        self.owners.iter().enumerate().all(|(row, owner)| *owner == Some(row))
    }

    /// Room for [`Readout::read`].
    pub(crate) fn room(&self) -> Logits {
        Logits { classes: vec![0.0; self.classes], others: vec![0.0; self.others()] }
    }

    /// A row's logit from Σ ±code over all channels and `positions`: mean and scale in one float32 division and product.
    pub(crate) fn logit(&self, row: usize, sum: i64, positions: usize) -> f32 {
        (sum as f32 / positions as f32) * self.scales[row]
    }

    /// The logits from Σ ±code over all channels and `positions`, one sum a row.
    pub(crate) fn read(&self, sums: impl Iterator<Item = i64>, positions: usize, logits: &mut Logits) {
        logits.classes.fill(f32::NEG_INFINITY);
        let mut others = logits.others.iter_mut();
        for (row, (sum, owner)) in sums.zip(&self.owners).enumerate() {
            let logit = self.logit(row, sum, positions);
            match owner {
                Some(class) => logits.classes[*class] = logits.classes[*class].max(logit),
                None => others.next().into_iter().for_each(|other| *other = logit),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_two_rows_counts_and_rows_of_no_class_stand_apart() {
        let readout = Readout::new(vec![1.0, 2.0, 0.5, 1.0], vec![Some(1), None, Some(1), Some(0)]).unwrap();
        let mut logits = readout.room();
        readout.read([4, 6, 10, -2].into_iter(), 2, &mut logits);
        assert_eq!(logits, Logits { classes: vec![-1.0, 2.5], others: vec![6.0] });
        assert!(!readout.is_plain());
        assert!(Readout::new(vec![1.0; 2], vec![Some(0), Some(1)]).unwrap().is_plain());
    }

    #[test]
    fn owners_that_make_no_classes_are_refused() {
        let refused = |owners: &[Option<usize>]| Readout::new(vec![1.0; owners.len()], owners.to_vec()).unwrap_err();
        assert_eq!(refused(&[Some(0), Some(2), None]), "no row is said to be of class 1, and some are of later ones");
        assert_eq!(refused(&[Some(0), Some(9)]), "a row is said to be of class 9, and there are fewer");
        assert_eq!(refused(&[None]), "no row is said to be of a class");
        assert!(Readout::new(vec![f32::NAN], vec![Some(0)]).is_err());
    }
}
