"""What every service needs to run: settings, logging, health, migrations, start-up and shutdown."""
