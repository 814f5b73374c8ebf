//! Sweets made in the morning.

use super::{COOKIES, DESSERTS, ItemEntry, RICE_CAKES, StoreEntry, item, option};
use crate::demo::accounts::HANEUL;

pub(super) const STORE: StoreEntry = StoreEntry {
    seller: HANEUL,
    name: "Dalbit Dessert 달빛디저트",
    description: "Rice cakes, yakgwa and chilled sweets, made every morning in Mangwon-dong.",
    items: ITEMS,
};

const ITEMS: &[ItemEntry] = &[
    item(
        RICE_CAKES,
        "Injeolmi 인절미",
        "Pounded glutinous rice in roasted soybean flour. Soft for a day, good from the freezer for a month.",
        &[option("300 g box", 7_500, 120), option("600 g box", 13_800, 80), option("Gift box, 1 kg", 24_000, 40)],
    ),
    item(
        RICE_CAKES,
        "Songpyeon 송편",
        "Half-moon rice cakes steamed over pine needles, filled with sesame and honey.",
        &[option("Sesame, 20 pieces", 12_000, 90), option("Mung bean, 20 pieces", 12_000, 90)],
    ),
    item(
        RICE_CAKES,
        "Baekseolgi 백설기",
        "A plain white steamed rice cake for a hundredth day, cut as you like.",
        &[option("Whole, 1.5 kg", 28_000, 15), option("Twelve slices", 31_000, 15)],
    ),
    item(
        COOKIES,
        "Yakgwa 약과",
        "Honey and ginger cookies, fried slowly and soaked for a night.",
        &[
            option("Six", 6_900, 200),
            option("Twelve", 12_900, 150),
            option("Broken ones, 500 g", 8_500, 60).limited_to(2),
        ],
    ),
    item(
        COOKIES,
        "Dasik 다식",
        "Pressed tea cookies of black sesame, pine pollen and chestnut.",
        &[option("Nine, three kinds", 11_500, 70)],
    ),
    item(
        COOKIES,
        "Rice puff bars 강정",
        "Puffed rice, peanuts and pumpkin seeds bound with rice syrup.",
        &[option("Ten bars", 9_800, 140), option("Twenty bars", 18_500, 90)],
    ),
    item(
        DESSERTS,
        "Black sesame pudding",
        "Chilled, thick, and hardly sweet.",
        &[option("Two cups", 8_800, 60), option("Four cups", 16_800, 40)],
    ),
    item(
        DESSERTS,
        "Sweet rice drink 식혜",
        "Malted rice punch with pine nuts, to be drunk cold.",
        &[option("1 litre", 7_200, 80), option("Three bottles of 300 ml", 8_400, 80)],
    ),
    item(
        DESSERTS,
        "Moonlight cake 달빛케이크",
        "One cake for the full moon: mugwort sponge, red bean cream, gold rice crisps. Fifty a month.",
        &[option("Whole, 15 cm", 42_000, 50).limited_to(1).on_sale_after(7)],
    ),
];
