// The module's page.
