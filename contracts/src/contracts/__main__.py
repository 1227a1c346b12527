"""``python -m contracts`` writes the JSON Schemas and the AsyncAPI document from the models."""

from contracts.documents import ASYNCAPI, SCHEMAS, asyncapi_text, schema_files


def main() -> None:
    """Write what is generated and remove what no model stands behind any more."""
    files = {**schema_files(), ASYNCAPI: asyncapi_text()}
    SCHEMAS.mkdir(exist_ok=True)
    for stale in set(SCHEMAS.glob("*.json")) - set(files):
        stale.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
