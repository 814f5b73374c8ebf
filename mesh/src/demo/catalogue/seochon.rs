//! A small bookshop.

use super::{BOOKS, GAMES, ItemEntry, PICTURE_BOOKS, StoreEntry, item, option};
use crate::demo::accounts::MINJUN;

pub(super) const STORE: StoreEntry = StoreEntry {
    seller: MINJUN,
    name: "Seochon Books 서촌책방",
    description: "A small bookshop west of the palace: essays, picture books, and games for long evenings.",
    items: ITEMS,
};

const ITEMS: &[ItemEntry] = &[
    item(
        BOOKS,
        "Walks around the old wall 성곽길 산책",
        "Eighteen walks along the fortress wall, with maps drawn by hand.",
        &[option("Paperback", 16_800, 70), option("Paperback, signed", 16_800, 10).limited_to(1)],
    ),
    item(
        BOOKS,
        "A year of side dishes 열두 달 반찬",
        "A hundred and twenty small dishes, by month, for two people.",
        &[option("Hardcover", 24_500, 60)],
    ),
    item(
        BOOKS,
        "Letters from the lighthouse 등대에서 온 편지",
        "A novel in letters between Ulleungdo and the mainland.",
        &[option("Paperback", 15_000, 90), option("Pocket edition", 9_800, 120)],
    ),
    item(
        BOOKS,
        "How a bojagi is made 보자기를 짓다",
        "Seams, colours and patience: a workbook with patterns in full size.",
        &[option("Spiral bound", 22_000, 45)],
    ),
    item(
        PICTURE_BOOKS,
        "The tiger and the dried persimmon 호랑이와 곶감",
        "The old tale, in lino cuts.",
        &[option("Hardcover", 14_000, 80), option("Board book", 12_000, 60)],
    ),
    item(
        PICTURE_BOOKS,
        "Rain on the roof tiles 기와에 내리는 비",
        "A picture book without words, for all ages.",
        &[option("Hardcover", 16_000, 50)],
    ),
    item(
        GAMES,
        "Yutnori set 윷놀이",
        "Four birch sticks, a cloth board and eight stones.",
        &[option("Set", 19_000, 60), option("Travel set", 12_500, 80)],
    ),
    item(
        GAMES,
        "Palace puzzle 경복궁 퍼즐",
        "The throne hall at dusk, five hundred pieces.",
        &[option("500 pieces", 18_000, 55), option("1,000 pieces", 27_000, 35)],
    ),
];
