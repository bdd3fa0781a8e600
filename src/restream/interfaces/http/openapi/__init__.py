"""What the HTTP interface promises, as an OpenAPI document: schemas, operations, and the two put together."""
