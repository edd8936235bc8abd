/** The settings' schema as the gateway sends it, with its numbers filled in. */

/** Every setting as {page, row, name}. */
export function numbered(pages) {
  return pages.flatMap(({ page, count, rows }) =>
    rows.flatMap((row) =>
      count
        ? Array.from({ length: count }, (_, index) => ({ page, row, name: row.name.replace("#", index + 1) }))
        : [{ page, row, name: row.name }],
    ),
  );
}

/** Whether any setting of that number is not as it came from the factory, or is about to be. */
export function isInUse({ rows }, number, values, draft) {
  return rows.some((row) => {
    const name = row.name.replace("#", number);
    return row.secret ? values[name].set : (draft.get(name) ?? values[name]) !== row.default;
  });
}
