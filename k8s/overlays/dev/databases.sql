CREATE DATABASE bojagi_user;
CREATE DATABASE bojagi_item;
CREATE DATABASE bojagi_coupon;
CREATE DATABASE bojagi_order;
CREATE DATABASE bojagi_payment;
CREATE DATABASE bojagi_settlement;
