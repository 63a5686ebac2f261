-- A generation's number is never given again: connections keep temporary tables and plans by name.

CREATE TABLE generation_numbers (
    view  text COLLATE "C" PRIMARY KEY,
    last  integer NOT NULL
);
INSERT INTO generation_numbers (view, last)
SELECT view, max(generation) FROM generations GROUP BY view;
