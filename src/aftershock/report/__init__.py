"""Reports: what a reader is shown. Files under reports/<run-id>/, Allure results and HTML."""
