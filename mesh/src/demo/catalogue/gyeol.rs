//! Paper, and what goes with it.

use super::{ItemEntry, NOTEBOOKS, STATIONERY, StoreEntry, WRAPPING, item, option};
use crate::demo::accounts::MINJUN;

pub(super) const STORE: StoreEntry = StoreEntry {
    seller: MINJUN,
    name: "Gyeol Stationery 결문구",
    description: "Hanji, notebooks, pencils and wrapping cloths for people who still write.",
    items: ITEMS,
};

const ITEMS: &[ItemEntry] = &[
    item(
        NOTEBOOKS,
        "Hanji notebook 한지공책",
        "Mulberry paper between boards covered in indigo cloth; lies flat.",
        &[option("A5, plain", 14_500, 90), option("A5, dotted", 14_500, 90), option("A6, plain", 10_500, 120)],
    ),
    item(
        NOTEBOOKS,
        "Daily log 하루장",
        "One page a day without dates, for any year.",
        &[option("Pine green", 17_000, 80), option("Persimmon", 17_000, 80)],
    ),
    item(
        NOTEBOOKS,
        "Manuscript paper 원고지",
        "The classic 200 squares, in a pad of fifty.",
        &[option("One pad", 3_200, 400), option("Five pads", 14_000, 120)],
    ),
    item(
        STATIONERY,
        "Cedar pencils 연필",
        "Unpainted, in a paper sleeve.",
        &[option("Twelve, HB", 9_600, 150), option("Twelve, 2B", 9_600, 150)],
    ),
    item(
        STATIONERY,
        "Writing brush 붓",
        "Weasel hair on bamboo, for letters and for ink painting.",
        &[option("Small", 12_000, 60), option("Medium", 18_000, 50)],
    ),
    item(
        STATIONERY,
        "Ink stick and stone 먹과 벼루",
        "A pine soot ink stick with a small Boryeong stone.",
        &[option("Set", 34_000, 25)],
    ),
    item(
        STATIONERY,
        "Hanji tape 한지테이프",
        "Twelve colours of dancheong, 15 mm wide.",
        &[option("Three rolls", 7_500, 200), option("Twelve rolls", 26_000, 60)],
    ),
    item(
        WRAPPING,
        "Patchwork bojagi 조각보",
        "Ramie scraps sewn by hand with flat seams; no two are alike.",
        &[option("60 cm", 68_000, 12).limited_to(1), option("90 cm", 124_000, 6).limited_to(1)],
    ),
    item(
        WRAPPING,
        "Cotton wrapping cloth 면보자기",
        "For lunch boxes, books and presents, in two colours that turn.",
        &[option("50 cm", 8_900, 180), option("75 cm", 13_900, 120)],
    ),
];
