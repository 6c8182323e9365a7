/** Invented names and words. No person of the simulated salon exists. */

export const givenNames = (
  "Abelia Brisco Calla Dorrin Elowen Farrow Ginevra Hollis Isaura Jorin Kestrel Linnet Maren Nerida Oriel " +
  "Perrin Quilla Rowan Sabel Tamsin Ulvi Verity Wrenna Xanthe Yarrow Zinnia"
).split(" ");

export const familyNames = (
  "Ashgrove Brambleton Coppermill Dunmarrow Elderfen Foxhollow Greywater Hazelwick Inkwell Junipera Kettlebeck " +
  "Larkmoor Mistlethorn Nettlefold Oakenshaw Pebblecote Quarrybank Rushmere Silverlea Thistledown Underbough " +
  "Vinterholm Willowmead Yewbarrow"
).split(" ");

export const companyNames = ["Lantern & Loom", "Paper Heron Studio", "Saltmarsh Events"];

export const locationNames = ["Harbor Street", "Mesa Park", "Mill Yard", "Orchard Row", "Canal Side"];

export const customerNotes = [
  "Seat by the window, please",
  "Running ten minutes late",
  "Allergic to lavender",
  "Same as last time",
  "Gr\u00fc\u00dfe! Bringing my daughter \u{1f485}",
  'Likes "the quiet chair"',
];

export const sellerNotes = [
  "Prefers tea",
  "Patch test done",
  "Uses gift card",
  "Ask about the wedding in June",
];

export const refundReasons = [
  "Returned goods",
  "Accidental charge",
  "Fewer goods or services",
  "Not satisfied",
];

/** Services: the item's name, and for each variation its name, minutes and price in minor units. */
export const services: readonly (readonly [string, readonly (readonly [string, number, number])[]])[] = [
  [
    "Manicure",
    [
      ["Classic", 45, 4_500],
      ["Gel", 60, 6_500],
    ],
  ],
  [
    "Pedicure",
    [
      ["Classic", 60, 6_000],
      ["Spa", 75, 8_200],
    ],
  ],
  [
    "Haircut",
    [
      ["Short", 45, 5_500],
      ["Long", 60, 7_800],
    ],
  ],
  [
    "Color",
    [
      ["Roots", 90, 11_000],
      ["Full", 150, 18_900],
    ],
  ],
  ["Blow-dry", [["Regular", 30, 4_000]]],
  ["Brow shaping", [["Regular", 15, 2_500]]],
  ["Facial", [["Regular", 60, 9_500]]],
  ["Nail repair", [["One nail", 15, 1_200]]],
];
