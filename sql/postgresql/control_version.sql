SELECT version FROM etl_control
